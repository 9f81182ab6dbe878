#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/formats/fits/frame.h"
#include "common/simulate/truth.h"

namespace unfold::compare {

/// Numbers of a frame; those from `pulls` on need its truth. A good bin has mask 0 and ivar > 0.
/// The pull of a bin is (flux - (R truth)) * sqrt(ivar), everything in photons per bin, R from the
/// RESOLUTION HDU: R[j - ndiag + k, j] = RESOLUTION[fibre, k, j], as desispec's Resolution has it.
struct FrameSummary {
  int fibres = 0;
  int wavelengths = 0;
  std::int64_t bins = 0;
  std::int64_t good_bins = 0;
  /// Mean CHI2PIX of good bins. About 0.81 where model and errors are exact: desispec's chi2pix
  /// weights a bin's pixels by its own light and counts no degrees of freedom.
  double chi2_per_dof = 0;
  double median_snr = 0;  ///< median flux * sqrt(ivar) of good bins

  std::int64_t pulls = 0;  ///< good bins with a pull; 0: no truth given
  double pull_mean = 0;
  double pull_deviation = 0;  ///< standard deviation
  double wavelength_correlation =
      0;                         ///< mean product of centred pulls of neighbouring bins / variance
  double fibre_correlation = 0;  ///< likewise of neighbouring fibres of a bundle
  double pulls_beyond_5 = 0;     ///< share with |pull| > 5
};

/// Summary of `frame`; with a truth (of common/simulate) also its pulls: see pulls_of() for which
/// bins have one. Errors: InvalidArgument/GRID_MISMATCH where the bins of the two are not the same
/// bins, or what reading gave.
absl::StatusOr<FrameSummary> summarise(const std::string& frame, const std::string& truth = "");
FrameSummary summarise(const fits::Frame& frame);
absl::StatusOr<FrameSummary> summarise(const fits::Frame& frame, const simulate::Truth& truth);

std::string to_text(const FrameSummary& summary);
std::string to_json(const FrameSummary& summary);

}  // namespace unfold::compare
