#include "workers/kernels/extraction/poles.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/extraction/kernels.h"

namespace unfold::extraction {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kMaxExponent = 60;

/// Complete elliptic integral K by the arithmetic-geometric mean; complement = 1 - k^2.
double elliptic_k(double complement) {
  double a = 1;
  double b = std::sqrt(complement);
  for (int i = 0; i < 40 && std::fabs(a - b) > 1e-16 * a; ++i) {
    const double mean = (a + b) / 2;
    b = std::sqrt(a * b);
    a = mean;
  }
  return kPi / (2 * a);
}

struct Jacobi {
  double sn, cn, dn;
};

/// Jacobi elliptic functions by descending Landen steps (Abramowitz and Stegun 16.4);
/// complement = 1 - parameter.
Jacobi jacobi(double u, double complement) {
  constexpr int kSteps = 18;
  double a[kSteps + 2], c[kSteps + 2];
  a[0] = 1;
  double b = std::sqrt(complement);
  c[0] = std::sqrt(1 - complement);
  int n = 0;
  while (std::fabs(c[n]) > 1e-16 && n < kSteps) {
    a[n + 1] = (a[n] + b) / 2;
    c[n + 1] = (a[n] - b) / 2;
    b = std::sqrt(a[n] * b);
    ++n;
  }
  double phi = std::ldexp(a[n] * u, n);
  for (int i = n; i > 0; --i) phi = (std::asin(c[i] * std::sin(phi) / a[i]) + phi) / 2;
  const double sn = std::sin(phi);
  const double cn = std::cos(phi);
  return {sn, cn, std::sqrt(cn * cn + complement * sn * sn)};
}

int pole_count(double condition) {
  const double n = -std::log(kRootTolerance) * (std::log(condition) + 6) / (2 * kPi * kPi);
  return round_up(static_cast<int>(std::ceil(n)), kVectorPad);
}

std::vector<PoleSet> make_table() {
  std::vector<PoleSet> table;
  for (int e = 0; e <= kMaxExponent; ++e) {
    const double condition = std::ldexp(1.0, std::max(e, 1));
    table.push_back(make_poles(condition, pole_count(condition)));
  }
  return table;
}

}  // namespace

PoleSet make_poles(double condition, int n) {
  const double low = 1 / condition;
  const double period = elliptic_k(low);
  PoleSet set{condition, {}, {}};
  for (int j = 0; j < n; ++j) {
    const Jacobi f = jacobi((j + 0.5) * period / n, low);
    set.pole.push_back(low * (f.sn / f.cn) * (f.sn / f.cn));
    set.weight.push_back(2 * period * std::sqrt(low) / (kPi * n) * f.dn / (f.cn * f.cn));
  }
  return set;
}

const std::vector<PoleSet>& pole_table() {
  static const std::vector<PoleSet> table = make_table();
  return table;
}

std::size_t pole_index(double condition) {
  int exponent = 0;
  if (condition > 1) std::frexp(condition, &exponent);
  return static_cast<std::size_t>(std::clamp(exponent, 0, kMaxExponent));
}

const PoleSet& poles_for(double condition) { return pole_table()[pole_index(condition)]; }

}  // namespace unfold::extraction
