#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "common/formats/spi/form_factors.h"
#include "common/formats/spi/pdb.h"

namespace unfold::spi_data {

struct Scattering {
  FormFactors form_factors = FormFactors::kInternationalTables;
  double b_factor = 0;         ///< Angstrom^2, of every atom: exp(-B q^2 / 4)
  bool use_occupancy = false;  ///< else every atom counts fully, as in one particle
};

/// F(q) = sum_a f_a(|q|) exp(2 pi i q.r_a) by direct sums over all atoms, the phases of which are
/// reduced in double and taken in float: within 2e-6 of the sum in double, relative to the rms.
/// Immutable, thread safe; calls are serial.
class StructureFactors {
 public:
  StructureFactors(const Molecule& molecule, const Scattering& scattering);

  /// f_e(|q_p|) exp(-B q^2 / 4) of each kind of atom: [E, P], E = kinds(). It does not change as q
  /// turns, so frames of one detector share it.
  std::vector<float> factors(std::span<const double> q) const;
  std::size_t kinds() const { return kinds_.size(); }

  /// q [P, 3] 1/Angstrom, factors [E, P] of the same |q|; out [P] is overwritten.
  void amplitudes(std::span<const double> q, std::span<const float> factors,
                  std::span<std::complex<float>> out) const;
  void amplitudes(std::span<const double> q, std::span<std::complex<float>> out) const;

  const Scattering& scattering() const { return scattering_; }

 private:
  struct Kind {
    int element = 0;
    std::vector<double> position;  ///< [A, 3]
    std::vector<float> weight;     ///< [A]
  };
  Scattering scattering_;
  std::vector<Kind> kinds_;
};

/// q of the modes of a cube: [M^3, 3], q = (i - M / 2, j - M / 2, k - M / 2) 2 qmax / M.
std::vector<double> grid_modes(std::int64_t grid, double qmax);

/// The density of which F are the modes: rho(n) = M^-3 sum_k F(k) exp(-2 pi i k.n / M), centred at
/// M / 2, electrons a voxel; voxels are 1 / (2 qmax) wide. F [M^3] centred likewise.
std::vector<double> density_of(std::int64_t grid, std::span<const std::complex<float>> modes);

}  // namespace unfold::spi_data
