#include "client/supervise/restart_policy.h"

#include <algorithm>

namespace unfold::supervise {
namespace {

constexpr Duration kFirst = std::chrono::seconds(1);
constexpr Duration kLongest = std::chrono::seconds(30);
constexpr Duration kHealthyAfter = std::chrono::minutes(1);

}  // namespace

Duration RestartPolicy::delay_after(Duration lived) {
  if (next_ == Duration::zero() || lived >= kHealthyAfter) next_ = kFirst;
  const Duration delay = next_;
  next_ = std::min(2 * next_, kLongest);
  return delay;
}

}  // namespace unfold::supervise
