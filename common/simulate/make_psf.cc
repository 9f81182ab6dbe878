#include "common/simulate/make_psf.h"

#include <cmath>
#include <functional>
#include <numbers>

#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/simulate/random.h"
#include "common/simulate/row_major.h"

namespace unfold::simulate {
namespace {

constexpr int kFibres = 500;
constexpr int kBundle = 25;
constexpr int kColumns = 4114;
constexpr int kRows = 4128;
constexpr double kPitch = 7.2;      // pixels from fibre to fibre
constexpr double kGap = 19.5;       // pixels from bundle to bundle
constexpr double kFirst = 118.0;    // column of fibre 0
constexpr double kMiddle = 2031.0;  // column of the slit's middle
constexpr double kHalfSlit = 1913.0;
constexpr double kBeyond = 0.11;  // the PSF reaches this share of the grid beyond each of its ends
constexpr double kRowsPerT = 2140.0;  // rows per unit of the Legendre argument
constexpr int kTraceCoefficients = 7;
constexpr int kShapeCoefficients = 4;
constexpr int kDegree = 6;

/// Where a fibre is along the slit: -1 .. 1.
double slit_position(double column) { return (column - kMiddle) / kHalfSlit; }

double column_of(int fibre) {
  const int gaps = fibre / kBundle;
  return kFirst + kPitch * (fibre - gaps) + kGap * gaps;
}

fits::LegendreSet filled(int ncoef, double wave_min, double wave_max,
                         const std::function<void(int, double*)>& fill) {
  fits::LegendreSet set;
  set.ncoef = ncoef;
  set.wave_min = wave_min;
  set.wave_max = wave_max;
  set.coefficients.assign(row_major(kFibres, ncoef), 0.0);
  for (int fibre = 0; fibre < kFibres; ++fibre) {
    fill(fibre, &set.coefficients[row_major(fibre, ncoef)]);
  }
  return set;
}

/// A few numbers in [-1, 1] that tell one camera's parameter from another's.
Random details(const std::string& camera, int parameter) {
  std::uint64_t name = 0;
  for (const char c : camera) name = name * 131 + static_cast<unsigned char>(c);
  return {name, static_cast<std::uint64_t>(parameter)};
}

void make_traces(double wave_min, double wave_max, Random random, fits::Psf& psf) {
  const double shift = random.uniform(-3, 3);
  psf.x = filled(kTraceCoefficients, wave_min, wave_max, [&](int fibre, double* c) {
    const double u = slit_position(column_of(fibre));
    c[0] = column_of(fibre) + shift;
    c[1] = 5.8 * u - 0.4;
    c[2] = 3.0 * u * std::abs(u) - 0.1 * u;
    c[3] = 0.12 * u * u;
    c[4] = -1.6 * u * u * u;
    c[5] = 0.05 * u;
    c[6] = 0.15 * u;
  });
  psf.y = filled(kTraceCoefficients, wave_min, wave_max, [&](int fibre, double* c) {
    const double u = slit_position(column_of(fibre));
    c[0] = 1985.0 + 110.0 * u * u + 1.5 * u + shift;
    c[1] = kRowsPerT + 12.0 * u * u;
    c[2] = 55.0 + 3.0 * u * u;
    c[3] = 9.0 - 6.0 * u * u;
    c[4] = 1.2 - 0.8 * u * u;
    c[5] = -1.8 + 0.7 * u * u;
    c[6] = -0.3 * (1 - u * u);
  });
}

fits::LegendreSet make_sigma(double level, double wave_min, double wave_max, Random random) {
  const double tilt = random.uniform(-0.02, 0.02);
  const double bow = random.uniform(0.01, 0.03);
  const double phase = random.uniform(0, 2 * std::numbers::pi);
  return filled(kShapeCoefficients, wave_min, wave_max, [=](int fibre, double* c) {
    const double u = slit_position(column_of(fibre));
    const double bundle = fibre / kBundle;
    c[0] = level + tilt * u + 0.006 * std::sin(2.4 * bundle + phase);
    c[1] = bow * (0.5 + u);
    c[2] = bow * (1 - u * u) + 0.02;
    c[3] = -0.3 * bow * u;
  });
}

fits::LegendreSet make_term(int i, int j, double wave_min, double wave_max, Random random) {
  if (i == 0 && j == 0) {
    return filled(kShapeCoefficients, wave_min, wave_max, [](int, double* c) { c[0] = 1; });
  }
  // Higher terms are smaller; those of degree 1 would only shift the trace.
  const double scale = 0.030 * std::exp(-0.62 * (i + j)) * (i + j == 1 ? 0.5 : 1.0);
  const double level = random.uniform(-1, 1) * scale;
  const double slope = random.uniform(-1, 1) * scale;
  const double curve = random.uniform(-1, 1) * scale;
  const double drift = random.uniform(-1, 1) * scale;
  const double phase = random.uniform(0, 2 * std::numbers::pi);
  return filled(kShapeCoefficients, wave_min, wave_max, [=](int fibre, double* c) {
    const double u = slit_position(column_of(fibre));
    c[0] = level + slope * u + 0.2 * scale * std::sin(1.7 * (fibre / kBundle) + phase);
    c[1] = 0.5 * drift + 0.3 * slope * u;
    c[2] = 0.3 * curve * (1 - u * u);
    c[3] = 0.15 * drift * u;
  });
}

fits::LegendreSet constant(double value, double wave_min, double wave_max) {
  return filled(kShapeCoefficients, wave_min, wave_max, [=](int, double* c) { c[0] = value; });
}

}  // namespace

int Grid::size() const {
  return step > 0 && max >= min ? static_cast<int>(std::floor((max - min) / step + 0.5)) + 1 : 0;
}

absl::StatusOr<Grid> camera_grid(const std::string& camera) {
  if (camera.size() == 2 && camera[1] >= '0' && camera[1] <= '9') {
    if (camera[0] == 'b') return Grid{3600, 5800, 0.8};
    if (camera[0] == 'r') return Grid{5760, 7620, 0.8};
    if (camera[0] == 'z') return Grid{7520, 9824, 0.8};
  }
  return error({.reason = "OUT_OF_RANGE",
                .field = "camera",
                .what = "no camera \"" + camera + "\"",
                .why = "cameras are b0 .. b9, r0 .. r9 and z0 .. z9",
                .remedy = "name one of them"});
}

absl::StatusOr<fits::Psf> make_psf(const std::string& camera) {
  UNFOLD_ASSIGN_OR_RETURN(const Grid grid, camera_grid(camera));
  const double span = grid.max - grid.min;
  const double wave_min = std::floor(grid.min - kBeyond * span);
  const double wave_max = std::ceil(grid.max + kBeyond * span);
  fits::Psf psf;
  psf.nspec = kFibres;
  psf.npix_x = kColumns;
  psf.npix_y = kRows;
  psf.hsize_x = 8;
  psf.hsize_y = 5;
  psf.wave_min = wave_min;
  psf.wave_max = wave_max;
  psf.camera = camera;
  make_traces(wave_min, wave_max, details(camera, -1), psf);
  psf.core.degree_x = kDegree;
  psf.core.degree_y = kDegree;
  psf.core.sigma_x = make_sigma(1.05, wave_min, wave_max, details(camera, -2));
  psf.core.sigma_y = make_sigma(1.12, wave_min, wave_max, details(camera, -3));
  for (int j = 0; j <= kDegree; ++j) {
    for (int i = 0; i <= kDegree; ++i) {
      psf.core.terms.push_back(make_term(i, j, wave_min, wave_max, details(camera, i + 16 * j)));
    }
  }
  psf.tail.amplitude = constant(0, wave_min, wave_max);
  psf.tail.core = constant(1, wave_min, wave_max);
  psf.tail.x_scale = constant(1, wave_min, wave_max);
  psf.tail.y_scale = constant(1, wave_min, wave_max);
  psf.tail.index = constant(2, wave_min, wave_max);
  return psf;
}

}  // namespace unfold::simulate
