#pragma once

#include <memory>
#include <span>
#include <vector>

#include "common/simulate/spi.h"

namespace unfold::simulate {

/// What frames are made of. Immutable, thread safe.
class SpiScene {
 public:
  SpiScene(std::span<const spi_data::Molecule> molecules, const SpiOptions& options,
           const spi_data::Detector& detector);

  /// |F(q)|^2 of molecule `which`, or of what stands for it, at R^T q; q [P, 3], `centred` where
  /// these are the detector's own. out [P] is overwritten.
  void intensity(std::size_t which, const std::array<double, 4>& orientation,
                 std::span<const double> q, bool centred, std::span<float> out) const;
  /// Without structure: the mean over orientations and molecules, by |q|. out [P] is overwritten.
  void radial(std::span<const double> q, std::span<float> out) const;

  std::size_t molecules() const { return sums_.size(); }

 private:
  void measure_profile(const spi_data::Detector& detector,
                       std::span<const spi_data::Molecule> molecules);

  SpiObject object_;
  double ball_diameter_;
  std::vector<spi_data::StructureFactors> sums_;
  std::vector<std::vector<float>> factors_;  ///< [C][E, P] of the detector's own q
  double step_ = 0;                          ///< of the profile, 1/Angstrom
  std::vector<double> profile_;              ///< mean intensity at i step
};

}  // namespace unfold::simulate
