#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace unfold {

using Duration = std::chrono::nanoseconds;

/// A reading of both clocks. `monotonic` drives leases and timers and means nothing outside one
/// process; `unix_ns` (UTC) is for people and records, and is never compared between machines.
struct Time {
  Duration monotonic{};
  std::int64_t unix_ns = 0;

  friend bool operator==(const Time&, const Time&) = default;
};

/// Time as a dependency. Thread safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
};

}  // namespace unfold
