#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/formats/imaging/source.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/pulse.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::engine {

/// Turns what an algorithm reports after each iteration into the job's progress: the iteration, the
/// likelihoods, background amplitudes and, at most once a second, a thumbnail of the map. Not
/// thread safe.
class ProgressReports {
 public:
  /// `exposure` is in the response's order.
  ProgressReports(const imaging_data::Header& header, std::span<const double> exposure,
                  const v1::ImagingSpec& spec, const Clock& clock,
                  std::function<void(const v1::Progress&)> send);

  void report(const imaging::Report& report);
  /// Between reports.
  void pulse();

 private:
  double fraction_of(const imaging::Report& report);

  const imaging_data::Header& header_;
  const std::vector<double> exposure_;  // [P] per solid angle
  const bool thins_;
  const bool bootstraps_;
  const Clock& clock_;
  Pulse pulse_;
  std::string thumbnail_;
  Duration thumbnail_due_{};
  double fraction_ = 0;
};

}  // namespace unfold::engine
