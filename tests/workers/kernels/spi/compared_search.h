#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "workers/kernels/spi/matching.h"

namespace unfold::test {

/// Searches on a device and on the host from the same slices, compares, and answers as the host
/// does: a run that asks it goes on as the host's, whatever the device says.
class ComparedSearch final : public spi::MatchDevice {
 public:
  explicit ComparedSearch(spi::MatchDevice& device) : device_(device) {}

  std::optional<spi::Matches> match(compute::Cpu& cpu, const spi::PatternSet& frames,
                                    const spi::Slicer& slicer,
                                    std::span<const spi::Quaternion> references,
                                    const spi::MatchOptions& options) override {
    const auto there = device_.match(cpu, frames, slicer, references, options);
    spi::Matches here = spi::match(cpu, frames, slicer, references, on_host(options));
    compare(there.value(), here);
    ++global_;
    return here;
  }

  std::optional<spi::LocalMatches> match_near(compute::Cpu& cpu, const spi::PatternSet& frames,
                                              const spi::Slicer& slicer,
                                              std::span<const spi::Quaternion> start,
                                              spi::Index starts,
                                              std::span<const spi::Quaternion> turns,
                                              const spi::MatchOptions& options) override {
    const auto there = device_.match_near(cpu, frames, slicer, start, starts, turns, options);
    auto here = spi::match_near(cpu, frames, slicer, start, starts, turns, on_host(options));
    compare(there.value(), here);
    ++near_;
    return here;
  }

  /// Sums are the host's, too.
  bool sum(const spi::PatternSet& /*frames*/, const spi::SumTask& /*task*/) override {
    return false;
  }

  int global() const { return global_; }  ///< searches
  int near() const { return near_; }
  std::size_t scores() const { return scores_; }
  /// Scores of the same rank in a frame's list that differ by more than `kTolerance` of their size.
  std::size_t other_scores() const { return other_scores_; }
  double worst() const { return worst_; }  ///< relative difference

  static constexpr double kTolerance = 1e-5;  // docs/numerics-spi.md

 private:
  static spi::MatchOptions on_host(spi::MatchOptions options) {
    options.device = nullptr;
    return options;
  }
  template <class Found>
  void compare(const Found& there, const Found& here) {
    if (there.score.size() != here.score.size()) throw std::logic_error("lists differ in length");
    for (std::size_t k = 0; k < here.score.size(); ++k) {
      const double size = std::abs(double{here.score[k]});
      const double off = std::abs(double{there.score[k]} - double{here.score[k]}) / size;
      worst_ = std::max(worst_, off);
      other_scores_ += !(off <= kTolerance);
    }
    scores_ += here.score.size();
  }

  spi::MatchDevice& device_;
  int global_ = 0, near_ = 0;
  std::size_t scores_ = 0, other_scores_ = 0;
  double worst_ = 0;
};

}  // namespace unfold::test
