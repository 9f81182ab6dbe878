#include "common/simulate/stamp.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "common/simulate/row_major.h"

namespace unfold::simulate {
namespace {

/// Integrals of He_m(u) phi(u) du over each pixel of one axis: out[m * pixels + k], with
///   m = 0: (erf(u_{k+1} / sqrt 2) - erf(u_k / sqrt 2)) / 2
///   m > 0: He_{m-1}(u_k) phi(u_k) - He_{m-1}(u_{k+1}) phi(u_{k+1}),
/// where u_k = (k - 1/2 - hsize - offset) / sigma is a pixel's lower edge.
std::vector<double> pixel_integrals(int degree, int hsize, double offset, double sigma) {
  const int pixels = 2 * hsize + 1;
  std::vector<double> out(row_major(degree + 1, pixels));
  std::vector<double> before(static_cast<std::size_t>(degree + 1));
  std::vector<double> after(before.size());
  const auto at_edge = [&](int k, std::vector<double>& value) {
    const double u = (k - 0.5 - hsize - offset) / sigma;
    value[0] = 0.5 * std::erf(u / std::numbers::sqrt2);
    double lower = 0;
    double hermite = std::exp(-0.5 * u * u) / std::sqrt(2 * std::numbers::pi);
    for (int m = 1; m <= degree; ++m) {
      value[static_cast<std::size_t>(m)] = -hermite;
      const double next = u * hermite - (m - 1) * lower;
      lower = hermite;
      hermite = next;
    }
  };
  at_edge(0, before);
  for (int k = 0; k < pixels; ++k) {
    at_edge(k + 1, after);
    for (int m = 0; m <= degree; ++m) {
      const auto index = static_cast<std::size_t>(m);
      out[row_major(m, pixels, k)] = after[index] - before[index];
    }
    std::swap(before, after);
  }
  return out;
}

}  // namespace

double value_of(const fits::LegendreSet& set, int fibre, double wavelength) {
  const double t = 2 * (wavelength - set.wave_min) / (set.wave_max - set.wave_min) - 1;
  double sum = 0;
  double lower = 0;
  double legendre = 1;
  for (int k = 0; k < set.ncoef; ++k) {
    sum += set.coefficients[row_major(fibre, set.ncoef, k)] * legendre;
    const double next = ((2 * k + 1) * t * legendre - k * lower) / (k + 1);
    lower = legendre;
    legendre = next;
  }
  return sum;
}

StampEvaluator::StampEvaluator(const fits::Psf& psf, Tails tails)
    : psf_(&psf), tails_(tails == Tails::kHonoured && psf.tail.present()) {}

double StampEvaluator::x(int fibre, double wavelength) const {
  return value_of(psf_->x, fibre, wavelength);
}

double StampEvaluator::y(int fibre, double wavelength) const {
  return value_of(psf_->y, fibre, wavelength);
}

Stamp StampEvaluator::evaluate(int fibre, double wavelength) const {
  Stamp stamp;
  evaluate(fibre, wavelength, stamp);
  return stamp;
}

void StampEvaluator::evaluate(int fibre, double wavelength, Stamp& stamp) const {
  const double centre_x = std::floor(x(fibre, wavelength) + 0.5);
  const double centre_y = std::floor(y(fibre, wavelength) + 0.5);
  const double dx = x(fibre, wavelength) - centre_x;
  const double dy = y(fibre, wavelength) - centre_y;
  stamp.nx = 2 * psf_->hsize_x + 1;
  stamp.ny = 2 * psf_->hsize_y + 1;
  stamp.x_begin = static_cast<int>(centre_x) - psf_->hsize_x;
  stamp.y_begin = static_cast<int>(centre_y) - psf_->hsize_y;
  stamp.values.assign(row_major(stamp.ny, stamp.nx), 0.0);
  add_core(fibre, wavelength, dx, dy, stamp);
  if (tails_) add_tail(fibre, wavelength, dx, dy, stamp);
  for (double& value : stamp.values) value = std::max(value, 0.0);
  const double sum = std::accumulate(stamp.values.begin(), stamp.values.end(), 0.0);
  if (sum > 0) {
    for (double& value : stamp.values) value /= sum;
  }
}

void StampEvaluator::add_core(int fibre, double wavelength, double dx, double dy,
                              Stamp& stamp) const {
  const fits::GaussHermiteCore& core = psf_->core;
  const std::vector<double> gx =
      pixel_integrals(core.degree_x, psf_->hsize_x, dx, value_of(core.sigma_x, fibre, wavelength));
  const std::vector<double> gy =
      pixel_integrals(core.degree_y, psf_->hsize_y, dy, value_of(core.sigma_y, fibre, wavelength));
  std::vector<double> profile(static_cast<std::size_t>(stamp.ny));
  for (int i = 0; i <= core.degree_x; ++i) {
    std::fill(profile.begin(), profile.end(), 0.0);
    for (int j = 0; j <= core.degree_y; ++j) {
      const double term = value_of(core.term(i, j), fibre, wavelength);
      for (int y = 0; y < stamp.ny; ++y) {
        profile[static_cast<std::size_t>(y)] += term * gy[row_major(j, stamp.ny, y)];
      }
    }
    for (int y = 0; y < stamp.ny; ++y) {
      for (int x = 0; x < stamp.nx; ++x) {
        stamp.values[row_major(y, stamp.nx, x)] +=
            profile[static_cast<std::size_t>(y)] * gx[row_major(i, stamp.nx, x)];
      }
    }
  }
}

void StampEvaluator::add_tail(int fibre, double wavelength, double dx, double dy,
                              Stamp& stamp) const {
  const fits::PsfTail& tail = psf_->tail;
  const double amplitude = value_of(tail.amplitude, fibre, wavelength);
  const double core = value_of(tail.core, fibre, wavelength);
  const double x_scale = value_of(tail.x_scale, fibre, wavelength);
  const double y_scale = value_of(tail.y_scale, fibre, wavelength);
  const double index = value_of(tail.index, fibre, wavelength);
  for (int y = 0; y < stamp.ny; ++y) {
    for (int x = 0; x < stamp.nx; ++x) {
      const double u = (x - psf_->hsize_x - dx) * x_scale;
      const double v = (y - psf_->hsize_y - dy) * y_scale;
      const double r2 = u * u + v * v;
      stamp.values[row_major(y, stamp.nx, x)] +=
          amplitude * r2 / std::pow(core * core + r2, 1 + index / 2);
    }
  }
}

}  // namespace unfold::simulate
