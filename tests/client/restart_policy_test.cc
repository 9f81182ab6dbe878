#include "client/supervise/restart_policy.h"

#include <gtest/gtest.h>

namespace unfold::supervise {
namespace {

using namespace std::chrono_literals;

TEST(RestartPolicy, DoublesFromOneSecondToThirty) {
  RestartPolicy policy;
  for (const Duration expected : {Duration(1s), Duration(2s), Duration(4s), Duration(8s),
                                  Duration(16s), Duration(30s), Duration(30s)}) {
    EXPECT_EQ(policy.delay_after(100ms), expected);
  }
}

TEST(RestartPolicy, AChildThatLivedForAMinuteStartsAfreshAtOneSecond) {
  RestartPolicy policy;
  policy.delay_after(0s);
  policy.delay_after(0s);
  EXPECT_EQ(policy.delay_after(60s), Duration(1s));
  EXPECT_EQ(policy.delay_after(59s), Duration(2s));
}

}  // namespace
}  // namespace unfold::supervise
