#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace unfold::test {

/// Emulated devices have so many bytes while this lives.
class EmulatedMemory {
 public:
  explicit EmulatedMemory(std::int64_t bytes) { set(bytes); }
  ~EmulatedMemory() { set(std::int64_t{8} << 30); }
  EmulatedMemory(const EmulatedMemory&) = delete;
  EmulatedMemory& operator=(const EmulatedMemory&) = delete;

 private:
  static void set(std::int64_t bytes) {
    ::setenv("UNFOLD_EMULATED_BYTES", std::to_string(bytes).c_str(), 1);
  }
};

}  // namespace unfold::test
