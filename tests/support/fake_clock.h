#pragma once

#include <atomic>

#include "common/base/clock.h"

namespace unfold::test {

/// A clock that moves only when told. Thread safe.
class FakeClock final : public Clock {
 public:
  Time now() const override {
    const Duration at(nanoseconds_.load());
    return {at, kEpoch + at.count()};
  }
  void advance(Duration by) { nanoseconds_ += by.count(); }

 private:
  static constexpr std::int64_t kEpoch = 1'790'000'000'000'000'000;
  std::atomic<std::int64_t> nanoseconds_{1'000'000'000};
};

}  // namespace unfold::test
