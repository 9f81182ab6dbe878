#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/patterns.h"

/// What lies under every frame: photons K_ip of mean phi_i m_ip + B_p, m the slice at frame i's
/// orientation. Fluence and background are fitted together, by likelihood: the ratio of totals
/// leaves their shares undecided.
namespace unfold::spi {

/// The fluence of largest Poisson likelihood: sum K m / (phi m + B) = sum m; 0 where none fits.
double poisson_fluence(std::span<const float> photons, std::span<const float> slice,
                       std::span<const float> background);

/// One step of the background towards its likelihood's maximum, fluences held (Fisher's scoring:
/// the mean of K - phi m weighed by 1 / (phi m + B)), never negative.
class BackgroundStep {
 public:
  explicit BackgroundStep(std::span<const float> before);
  void add(std::span<const float> photons, std::span<const float> slice, double fluence);
  std::vector<float> background() const;

 private:
  std::vector<double> before_, over_, weight_;
  double floor_ = 0;
};

/// [P] a start for the fit that needs no orientation: what does not grow with a frame's total,
/// circle by circle. The share of both is settled where frames are brightest: there the background
/// is taken as nothing. 0 where fluence hardly varies.
std::vector<float> steady_background(const PatternSet& frames, const Detector& detector,
                                     bool counts);

}  // namespace unfold::spi
