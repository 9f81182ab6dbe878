#include "workers/nufft/prolate.h"

#include <cmath>

namespace unfold::nufft {
namespace {

/// The prolate differential operator on normalised Legendre polynomials of even degree n = 2k is
/// symmetric and tridiagonal.
struct Tridiagonal {
  std::vector<double> diagonal, beside;

  Tridiagonal(double c, int size) {
    for (int k = 0; k < size; ++k) {
      const double n = 2 * k;
      diagonal.push_back(n * (n + 1) + c * c * (2 * n * (n + 1) - 1) / ((2 * n + 3) * (2 * n - 1)));
      beside.push_back(c * c * (n + 2) * (n + 1) /
                       ((2 * n + 3) * std::sqrt((2 * n + 1) * (2 * n + 5))));
    }
  }

  /// x becomes the solution of this matrix times x' = x; positive definite, so without pivots.
  void solve(std::vector<double>& x) const {
    const std::size_t size = x.size();
    std::vector<double> pivot(diagonal);
    for (std::size_t k = 1; k < size; ++k) {
      const double factor = beside[k - 1] / pivot[k - 1];
      pivot[k] -= factor * beside[k - 1];
      x[k] -= factor * x[k - 1];
    }
    x[size - 1] /= pivot[size - 1];
    for (std::size_t k = size - 1; k-- > 0;) x[k] = (x[k] - beside[k] * x[k + 1]) / pivot[k];
  }
};

/// sum_k series[k] P_2k(x), by the recurrence of the polynomials.
double legendre_sum(const std::vector<double>& series, double x) {
  double before = 1, now = x, sum = series[0];  // P_0, P_1
  for (int n = 1; n < 2 * static_cast<int>(series.size()) - 1; ++n) {
    const double next = ((2 * n + 1) * x * now - n * before) / (n + 1);
    before = now;
    now = next;
    if (n % 2 == 1) sum += series[static_cast<std::size_t>(n + 1) / 2] * now;
  }
  return sum;
}

}  // namespace

Prolate::Prolate(double c) : c_(c) {
  const int size = 24 + static_cast<int>(c);
  const Tridiagonal matrix(c, size);
  series_.assign(static_cast<std::size_t>(size), 1);
  // The smallest eigenvalue is about c and the next one 5 c: each solve gains a factor 5.
  for (int iteration = 0; iteration < 30; ++iteration) {
    matrix.solve(series_);
    double square = 0;
    for (const double a : series_) square += a * a;
    for (double& a : series_) a /= std::sqrt(square);
  }
  for (int k = 0; k < size; ++k) series_[static_cast<std::size_t>(k)] *= std::sqrt(2 * k + 0.5);
  const double at_zero = legendre_sum(series_, 0);
  for (double& a : series_) a /= at_zero;
  integral_ = 2 * series_[0];
}

double Prolate::operator()(double x) const { return legendre_sum(series_, x); }

double Prolate::transform(double w) const { return integral_ * (*this)(c_ > 0 ? w / c_ : 0); }

}  // namespace unfold::nufft
