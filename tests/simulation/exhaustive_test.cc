// Every order of events of a small cluster: two workers, one or two jobs, each worker may die once,
// the scheduler may restart twice, leases may end three times, and a worker may stop for any time
// between any two steps of its publication. The core and the publication are the real ones. States
// that look the same from outside (store, files, workers, messages on their way, leases, clock) are
// explored once.

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/simulation/cluster.h"

namespace unfold::simulation {
namespace {

/// Depth-first over all orders of actions; a state is reached again by performing its path anew.
class Explorer {
 public:
  Explorer(int jobs, std::size_t most_states) : jobs_(jobs), most_states_(most_states) {}

  std::string explore() {
    std::vector<std::vector<Action>> open = {{}};
    while (!open.empty() && seen_.size() < most_states_) {
      const std::vector<Action> path = std::move(open.back());
      open.pop_back();
      Cluster cluster(jobs_);
      for (const Action action : path) cluster.perform(action);
      if (!cluster.violation().empty()) return describe(path, cluster.violation());
      if (!seen_.insert(std::hash<std::string>()(cluster.fingerprint())).second) continue;
      settled_ += cluster.settled() ? 1 : 0;
      for (const Action action : cluster.enabled()) {
        open.push_back(path);
        open.back().push_back(action);
      }
    }
    complete_ = open.empty();
    return "";
  }
  std::size_t states() const { return seen_.size(); }
  std::size_t settled() const { return settled_; }
  bool complete() const { return complete_; }

 private:
  static std::string describe(const std::vector<Action>& path, const std::string& violation) {
    std::string out = violation + ":";
    for (const Action action : path) {
      constexpr std::array<const char*, 5> kNames = {"read", "work", "crash", "time", "restart"};
      absl::StrAppend(&out, " ", kNames[static_cast<std::size_t>(action.kind)], action.worker);
    }
    return out;
  }

  const int jobs_;
  const std::size_t most_states_;
  std::unordered_set<std::size_t> seen_;
  std::size_t settled_ = 0;
  bool complete_ = false;
};

TEST(Exhaustive, OneJobIsPublishedOnceInEveryOrderOfEvents) {
  Explorer explorer(1, 200'000);
  EXPECT_EQ(explorer.explore(), "");
  RecordProperty("states", std::to_string(explorer.states()));
  EXPECT_TRUE(explorer.complete()) << explorer.states();
  EXPECT_GT(explorer.settled(), 100u);
}

TEST(Exhaustive, TwoJobsAreToo) {
  Explorer explorer(2, 20'000);
  EXPECT_EQ(explorer.explore(), "");
  EXPECT_GT(explorer.settled(), 100u);
}

}  // namespace
}  // namespace unfold::simulation
