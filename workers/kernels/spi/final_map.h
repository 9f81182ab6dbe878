#pragma once

#include <functional>
#include <span>
#include <vector>

#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/reconstruct.h"

/// From merged intensities to the map that is published, and how far its halves agree.
namespace unfold::spi {

struct MapOptions {
  Index grid = 0;
  std::vector<std::uint8_t> known;  ///< amplitudes that are data
  int starts = 16;
  std::uint64_t seed = 1;
  FourierDevice* fourier_device = nullptr;  ///< phases there
};

/// Phases an autocorrelation from `starts` random starts: density (the average), support (of the
/// start of least Fourier error), prtf, phasing_agreement, autocorrelation and intensity are set.
Map phased_map(compute::Cpu& cpu, std::span<const double> autocorrelation,
               const MapOptions& options, const std::function<bool()>& cancelled);

/// Random starts that a half's map is phased from, where the map of all has `starts`.
int half_starts(int starts);

/// The halves' merged intensities, the second turned onto the first by `onto_first`, phased like
/// the map, compared with each other and laid onto the map.
void compare_halves(compute::Cpu& cpu, std::span<const double> first,
                    std::span<const double> second, const Alignment& onto_first, double qmax,
                    const MapOptions& options, const std::function<bool()>& cancelled, Map& map);

/// A support moved like its density.
std::vector<std::uint8_t> moved_support(compute::Cpu& cpu, Index grid,
                                        std::span<const std::uint8_t> support,
                                        const Alignment& alignment);

/// [M^3] how many pixels of the frames, weighted by their fluence, fell nearest to each mode.
/// Frames marked in `skip` do not count; of more than 4096 frames, evenly chosen ones stand for
/// all.
std::vector<double> measured_weight(Index grid, const Detector& detector,
                                    std::span<const Quaternion> orientation,
                                    std::span<const double> fluence,
                                    std::span<const std::uint8_t> skip);

/// 0.143: where a half-set correlation says that a map of all data has a correlation of 0.5 with
/// the truth (Rosenthal and Henderson 2003).
inline constexpr double kResolvedAbove = 0.143;

}  // namespace unfold::spi
