#pragma once

#include <vector>

namespace unfold::extraction {

/// Poles and weights of the rational approximation
/// sqrt(x) ~ sum_j weight_j x / (x + pole_j) on [1 / condition, 1]
/// (method 3 of Hale, Higham and Trefethen 2008, SIAM J. Numer. Anal. 46, 2505).
struct PoleSet {
  double condition = 0;
  std::vector<double> pole, weight;
};

/// Relative error that a set of poles is chosen for; its length is a multiple of kVectorPad.
inline constexpr double kRootTolerance = 2e-9;

/// Sets for condition numbers up to 2^i at [i], the first two alike. Thread safe.
const std::vector<PoleSet>& pole_table();

/// Of the set in pole_table() for at least this condition number; larger ones get the last.
std::size_t pole_index(double condition);

/// A set for at least this condition number (1 .. 2^60, larger ones get the last). Tabulated in
/// steps of a factor 2, so that equal inputs give equal bits. Thread safe.
const PoleSet& poles_for(double condition);

/// An exact set of n poles.
PoleSet make_poles(double condition, int n);

}  // namespace unfold::extraction
