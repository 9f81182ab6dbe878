#pragma once

#include <algorithm>
#include <barrier>
#include <span>
#include <vector>

#include "workers/compute/communicator.h"

namespace unfold::test {

/// Two ranks in one process, each a thread: rank 0's values plus rank 1's, for both.
class RankPair {
 public:
  class Rank final : public compute::Communicator {
   public:
    Rank(RankPair& pair, int rank) : pair_(pair), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return 2; }
    void sum(std::span<double> values) override {
      pair_.given_[rank_] = values;
      pair_.meet_.arrive_and_wait();
      std::vector<double> sums;
      for (std::size_t i = 0; i < values.size(); ++i) {
        sums.push_back(pair_.given_[0][i] + pair_.given_[1][i]);
      }
      pair_.meet_.arrive_and_wait();
      std::copy(sums.begin(), sums.end(), values.begin());
      pair_.meet_.arrive_and_wait();
    }

   private:
    RankPair& pair_;
    int rank_;
  };

 private:
  std::span<double> given_[2];
  std::barrier<> meet_{2};
};

}  // namespace unfold::test
