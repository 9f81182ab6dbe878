#pragma once

namespace unfold::spi_data {

enum class FormFactors {
  kInternationalTables,  ///< four Gaussians and a constant: Cromer-Mann coefficients
  kCharge,               ///< the atomic number, whatever the angle
};

/// Electrons that an atom at rest scatters like, at q = 1/d = 2 sin(theta) / wavelength,
/// 1/Angstrom. kInternationalTables: f0 = sum_i a_i exp(-b_i q^2 / 4) + c with the coefficients of
/// International Tables for Crystallography, volume C (1992), table 6.1.1.4, neutral atoms; good to
/// q = 4. No anomalous terms. `element` 1 .. 98.
double form_factor(FormFactors kind, int element, double q);

}  // namespace unfold::spi_data
