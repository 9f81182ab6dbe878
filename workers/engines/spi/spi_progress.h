#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/base/clock.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/pulse.h"
#include "workers/kernels/spi/reconstruct.h"

namespace unfold::engine {

/// Turns what the reconstruction reports after each generation into the job's progress: generation,
/// log-likelihood, median change of orientation, the halves' resolution and, at most once a second,
/// a thumbnail of the density's slices. report() is not thread safe; pulses are.
class SpiProgress {
 public:
  SpiProgress(const v1::SpiSpec& spec, const Clock& clock,
              std::function<void(const v1::Progress&)> send);

  void report(const spi::Report& report);
  /// Between reports, by the work itself.
  void pulse() { pulse_.beat(); }
  /// Beside it, while it aligns volumes: that takes seconds, and minutes for the largest.
  void pulse_beside() { pulse_.beat_for(kLongestStep); }

 private:
  static constexpr std::chrono::minutes kLongestStep{5};

  const std::int64_t grid_;
  const int generations_;
  const Clock& clock_;
  Pulse pulse_;
  std::string thumbnail_;
  Duration thumbnail_due_{};
  double fraction_ = 0;
};

}  // namespace unfold::engine
