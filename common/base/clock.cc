#include "common/base/clock.h"

namespace unfold {

Time SystemClock::now() const {
  const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {.monotonic = std::chrono::duration_cast<Duration>(monotonic),
          .unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count()};
}

}  // namespace unfold
