#pragma once

#include <span>
#include <vector>

#include "workers/compute/archive.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::imaging {

using compute::ArchiveReader;
using compute::ArchiveWriter;

/// A region's pixels on the model's axis, energies included.
struct RegionPixels {
  std::string name;
  Index pixels = 0;             ///< of the sky
  std::vector<Index> member{};  ///< model indices
  std::vector<double> area{};   ///< sr, of each member
};

/// Throws std::invalid_argument naming a region that holds no pixel's centre, or whose radius is
/// not positive.
std::vector<RegionPixels> find_regions(std::span<const Region> regions, const SkyGeometry& sky);
double flux_of(const RegionPixels& region, std::span<const double> image);

/// Running sums over replicates, added in their order. Not thread safe.
class BootstrapTally {
 public:
  /// `exposure` [P] outlives it; sizes are those of one estimate and of its regions' fluxes.
  BootstrapTally(std::span<const double> exposure, Index amplitudes, Index regions);

  void add(const Estimate& estimate, std::span<const double> region_fluxes, Index updates);
  Index replicates() const { return static_cast<Index>(updates_.size()); }
  /// Fills the result's errors, flags and biases; needs two replicates.
  void finish(Result& result) const;

  void save(ArchiveWriter& out) const;
  void restore(ArchiveReader& in);

 private:
  /// Mean and sum of squared differences from it (Welford's update).
  struct Scatter {
    std::vector<double> mean, square;
    void add(std::span<const double> values, Index count);
    double standard_error(std::size_t i, Index count) const;
  };
  std::span<const double> exposure_;
  Scatter image_, amplitude_, region_;
  std::vector<Index> at_zero_;  ///< [P] replicates that give the pixel less than a count
  std::vector<Index> updates_;  ///< [R]
};

}  // namespace unfold::imaging
