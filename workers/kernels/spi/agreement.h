#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/rotations.h"

/// How well two volumes agree: aligned over rotations, translation and hand, Fourier shell
/// correlation, and the resolution that may honestly be claimed.
namespace unfold::spi {

/// b is turned, shifted and perhaps inverted so that it lies on a: a(x) ~ b'(x).
struct Alignment {
  Quaternion rotation{1, 0, 0, 0};
  bool inverted = false;
  double shift[3] = {0, 0, 0};  ///< voxels
  double correlation = 0;
};

/// Densities [M^3] centred at M / 2. Rotation from intensities |F|^2 (which know neither shift nor
/// hand) over `starts` super-Fibonacci rotations and local refinement, then hand and shift.
Alignment align_densities(compute::Cpu& cpu, Index grid, std::span<const double> a,
                          std::span<const double> b, Index starts = 3000);
/// Intensities given by their autocorrelations [M^3]: rotation only.
Alignment align_intensities(compute::Cpu& cpu, Index grid, std::span<const double> a,
                            std::span<const double> b, Index starts = 3000);
/// For two densities that lie on each other: the best `count` of the other ways to lay b on a, at
/// least `away` radians of rotation off. How far those agree is what searching alone finds.
std::vector<Alignment> chance_alignments(compute::Cpu& cpu, Index grid, std::span<const double> a,
                                         std::span<const double> b, double away, Index count);
/// b moved onto a, by Fourier interpolation (no loss beyond round-off inside the sphere). The
/// density is not clipped.
std::vector<double> apply(compute::Cpu& cpu, Index grid, std::span<const double> b,
                          const Alignment& alignment);

/// [M / 2 + 1] shells of width one mode. Complex: of densities; real: of intensities (the
/// mean over each |k| taken off both, else every pair agrees).
std::vector<double> shell_correlation(compute::Cpu& cpu, Index grid, std::span<const double> a,
                                      std::span<const double> b);
std::vector<double> intensity_shell_correlation(compute::Cpu& cpu, Index grid,
                                                std::span<const double> a,
                                                std::span<const double> b);
/// (FSC - FSC_random) / (1 - FSC_random), of two maps less their isotropic parts: a ball agrees
/// with every ball. FSC_random is the larger of
///  - what the supports make of the shells where the raw FSC is at least 0.8 were all other phases
///    random (Chen et al. 2013): its expectation, at the maps' own power in each shell, instead of
///    one draw; from the first shell below 0.8 on;
///  - what the search for the alignment makes: mean + 1 standard deviation of the agreement at the
///    best other alignments, less what these have in common with the one taken (as symmetry makes);
///    weighed down by (their overall agreement / that of the one taken)^2.
std::vector<double> corrected_correlation(compute::Cpu& cpu, Index grid, std::span<const double> a,
                                          std::span<const double> b,
                                          std::span<const std::uint8_t> support_a,
                                          std::span<const std::uint8_t> support_b);
/// What the corrected correlation F of two halves says of a map of all data: its correlation with
/// the truth, isotropic parts of both left out. Mean over shells of sqrt(2 F / (1 + F)) (Rosenthal
/// and Henderson 2003; 0 where F < 0), each weighing as its power in the map, which is taken for
/// the truth's.
double expected_correlation(Index grid, std::span<const double> map,
                            std::span<const double> corrected);
/// 1 / q, Angstrom, where the correlation first falls below `threshold` (between shells: linear);
/// 1 / qmax where it never does, infinity where it does in the first shell. Shell s is at
/// s 2 qmax / M.
double resolution_of(std::span<const double> correlation, double qmax, Index grid,
                     double threshold);

}  // namespace unfold::spi
