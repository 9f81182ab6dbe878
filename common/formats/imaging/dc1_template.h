#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/cosi/npz.h"

namespace unfold::imaging_data {

/// Weight of each energy bin of a background file (edges [n + 1] keV) in a window, as DC1 takes
/// it: 1 inside, the overlapping share at the window's edges. DC1 divides the share of the highest
/// bin by the width of the bin below it, but where only one edge lies in the window; so it is done
/// here. Empty where the window does not meet the bins.
std::vector<double> template_weights(const std::vector<double>& edges, double energy_min,
                                     double energy_max);

/// A background file's template in an energy window: sum over energies of weight x photons x
/// response, over the sum of weight x photons. [bins of the CDS], phi slowest.
/// `phi_bins` x `directions` is the shape its bg_response must have.
absl::StatusOr<std::vector<double>> read_template(const cosi::NpzFile& file, double energy_min,
                                                  double energy_max, std::int64_t phi_bins,
                                                  std::int64_t directions);

}  // namespace unfold::imaging_data
