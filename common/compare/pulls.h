#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/fits/frame.h"
#include "common/simulate/truth.h"

namespace unfold::compare {

inline constexpr int kFibresOfBundle = 25;
inline constexpr int kFibresOfSpectrograph = 500;

/// Row of the PSF that the frame's first spectrum came from: FIBER of its fibermap, else the card
/// FIBERMIN, modulo 500; else 0.
int first_fibre(const fits::Frame& frame);

/// Pull of each bin [nspec, nwave]: (flux - (R truth) / step) * sqrt(ivar), with
/// (R truth)_i = sum_j RESOLUTION[s, i - j + ndiag, j] truth_j. NaN where the bin is not good (mask
/// set or no ivar), and within ndiag bins of an end beyond which the truth goes on (columns of R
/// that a frame does not hold). Where the truth ends there was no light.
/// InvalidArgument/GRID_MISMATCH where the bins of the two are not the same bins.
absl::StatusOr<std::vector<double>> pulls_of(const fits::Frame& frame,
                                             const simulate::Truth& truth);

}  // namespace unfold::compare
