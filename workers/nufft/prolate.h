#pragma once

#include <vector>

namespace unfold::nufft {

/// The prolate spheroidal wave function of order zero, psi(x) on [-1, 1] with psi(0) = 1: of all
/// functions on that interval the one whose Fourier transform keeps most energy in [-c, c] (Slepian
/// and Pollak 1961). By its Legendre series (Xiao, Rokhlin and Yarvin 2001). Accurate to 1e-15 of
/// psi(0), c in [0, 100].
class Prolate {
 public:
  explicit Prolate(double c);

  double operator()(double x) const;

  /// Integral of psi(t) cos(w t) over [-1, 1], |w| <= c: there psi is its own transform.
  double transform(double w) const;

 private:
  double c_;
  double integral_;
  std::vector<double> series_;  ///< coefficient of P_2k
};

}  // namespace unfold::nufft
