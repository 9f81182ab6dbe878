#include "workers/nufft/window.h"

#include <cmath>
#include <numbers>

namespace unfold::nufft {
namespace {

constexpr double kPi = std::numbers::pi;

/// The prolate's c: its transform ends just before the images of the modes begin.
double shape_parameter(int width, double upsampling) {
  return 0.99 * kPi * width * (1 - 1 / (2 * upsampling));
}

/// Coefficients of the powers of y, lowest first, of the interpolant of f at Chebyshev's nodes of
/// [-1, 1].
template <class F>
std::vector<double> powers(const F& f, int degree) {
  const int n = degree + 1;
  const auto size = static_cast<std::size_t>(n);
  std::vector<double> series(size), before(size), now(size), sum(size);
  for (int i = 0; i < n; ++i) {
    const double angle = kPi * (i + 0.5) / n, value = f(std::cos(angle));
    for (int m = 0; m < n; ++m)
      series[static_cast<std::size_t>(m)] += (m > 0 ? 2 : 1) * value * std::cos(m * angle) / n;
  }
  before[0] = 1;  // T_0
  now[1] = 1;     // T_1
  sum[0] = series[0];
  for (std::size_t m = 1; m < size; ++m) {
    for (std::size_t p = 0; p < size; ++p) sum[p] += series[m] * now[p];
    std::vector<double> next(size);
    for (std::size_t p = 0; p < size; ++p) next[p] = (p > 0 ? 2 * now[p - 1] : 0) - before[p];
    before = std::move(now);
    now = std::move(next);
  }
  return sum;
}

}  // namespace

double alias_error(int width, double upsampling) {
  return 1.1 * (1 + 0.8 / width) * (3 * upsampling - 1.6) *
         std::exp(-kPi * width * std::sqrt(1 - 1 / upsampling));
}

double rounding_error(int width, double upsampling, double epsilon) {
  // The transform of the window is nearly exp(-c x^2 / 2), x up to 1 / (2 upsampling - 1).
  const double c = shape_parameter(width, upsampling), edge = 1 / (2 * upsampling - 1);
  constexpr int kSteps = 32;
  double raised = 0, weakened = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double x = edge * (i + 0.5) / kSteps;
    raised += std::exp(c * x * x) / kSteps;
    weakened += std::exp(-c * x * x) / kSteps;
  }
  return 3 * epsilon * std::pow(raised * weakened, 1.5);
}

double upsampling_for(double tolerance, int width) {
  for (double upsampling = 1.2; upsampling < 3; upsampling += 0.01)
    if (alias_error(width, upsampling) <= tolerance) return upsampling;
  return 0;
}

Window::Window(int width, double upsampling)
    : width_(width), prolate_(shape_parameter(width, upsampling)) {}

template <class Real>
std::vector<Real> Window::coefficients(int repeats, int lead, int stride) const {
  const int degree = degree_of(width_);
  std::vector<Real> all(static_cast<std::size_t>((degree + 1) * stride));
  for (int j = 0; j < width_; ++j) {
    const auto piece = [&](double y) { return prolate_((2 * j + y + 1) / width_ - 1); };
    const std::vector<double> power = powers(piece, degree);
    for (int p = 0; p <= degree; ++p)
      for (int repeat = 0; repeat < repeats; ++repeat)
        all[static_cast<std::size_t>((degree - p) * stride + lead + repeats * j + repeat)] =
            static_cast<Real>(power[static_cast<std::size_t>(p)]);
  }
  return all;
}

std::vector<double> Window::corrections(int modes, int n) const {
  std::vector<double> all;
  for (int k = -(modes / 2); k <= modes / 2; ++k)
    all.push_back(2 / (width_ * prolate_.transform(kPi * width_ * k / n)));
  return all;
}

template std::vector<float> Window::coefficients(int, int, int) const;
template std::vector<double> Window::coefficients(int, int, int) const;

}  // namespace unfold::nufft
