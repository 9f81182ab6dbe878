#pragma once

#include "tests/workers/kernels/spi/merge_problem.h"

/// A small merge, solved on the Cpu or with a device.
namespace unfold::test {

/// Largest difference of autocorrelations, relative to the largest value, where both sides'
/// transforms hold 1e-11.
inline constexpr double kMergeTolerance = 1e-8;

/// Twelve frames of a known autocorrelation, each at its own rotation.
struct MergeCase {
  static constexpr Index kGrid = 7, kVoxels = kGrid * kGrid * kGrid;
  spi::Detector detector = small_detector(9);
  std::vector<double> truth = made_autocorrelation(kGrid, 3);
  std::vector<spi::Quaternion> rotations = random_rotations(12, 5);
  compute::Cpu cpu{1};
  compute::SoloCommunicator solo;
  spi::Merged merged = sum();

  spi::Merged sum() {
    const std::vector<double> fluence(12, 0.9);
    const std::vector<float> background(81, 0.5f);
    std::vector<spi::Assignment> each;
    for (int i = 0; i < 12; ++i) each.push_back({i, i, 1.0f});
    return spi::sum_frames(cpu, made_frames(kGrid, truth, detector, rotations, fluence, background),
                           detector, rotations, each, fluence, background,
                           spi::MergeWeight::kPoisson);
  }
  static spi::MergeOptions options(double nufft_tolerance) {
    return {.ridge = 1e-3,
            .anti_support = 0.5,
            .tolerance = 1e-11,
            .max_iterations = 2000,
            .nufft_tolerance = nufft_tolerance};
  }
  spi::MergeResult solve(spi::MergeDevice* device, const spi::MergeOptions& options,
                         std::span<const double> x0 = {},
                         std::span<const std::uint8_t> support = {}) {
    return spi::Merger(cpu, kGrid, detector, solo, device).solve(merged, x0, support, options);
  }
};

}  // namespace unfold::test
