#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "common/sky/healpix.h"
#include "common/sky/instrument.h"

namespace unfold::sky {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;
constexpr double kRadian = std::numbers::pi / 180;
constexpr std::uint16_t kOutside = 65535;
constexpr double kEarthRadiusKm = 6378;

using Vector = std::array<double, 3>;

double dot(const double* a, const double* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector unit_vector(double l_deg, double b_deg) {
  const double polar = (90 - b_deg) * kRadian;
  const double azimuth = l_deg * kRadian;
  return {std::sin(polar) * std::cos(azimuth), std::sin(polar) * std::sin(azimuth),
          std::cos(polar)};
}

double exact_zenith(double cosine) { return std::acos(std::clamp(cosine, -1., 1.)) * kDegree; }

double exact_azimuth(double x, double y) {
  const double azimuth = std::atan2(y, x) * kDegree;
  return azimuth < 0 ? azimuth + 360 : azimuth;
}

// Both within 1e-5 degrees (Abramowitz and Stegun 4.4.46 and 4.4.49): enough to name a bin unless
// the direction is close to its edge, where the exact ones decide.
constexpr double kCloseDeg = 1e-4;

double quick_zenith(double cosine) {
  const double c = std::min(std::abs(cosine), 1.);
  const double series =
      1.5707963050 +
      c * (-0.2145988016 +
           c * (0.0889789874 +
                c * (-0.0501743046 +
                     c * (0.0308918810 +
                          c * (-0.0170881256 + c * (0.0066700901 - c * 0.0012624911))))));
  const double angle = std::sqrt(1 - c) * series * kDegree;
  return cosine < 0 ? 180 - angle : angle;
}

double quick_azimuth(double x, double y) {
  const double across = std::abs(x);
  const double up = std::abs(y);
  const double longer = std::max(across, up);
  const double t = longer > 0 ? std::min(across, up) / longer : 0;
  const double s = t * t;
  const double series =
      1 + s * (-0.3333314528 +
               s * (0.1999355085 +
                    s * (-0.1420889944 +
                         s * (0.1065626393 +
                              s * (-0.0752896400 +
                                   s * (0.0429096138 + s * (-0.0161657367 + s * 0.0028662257)))))));
  double angle = t * series * kDegree;
  if (up > across) angle = 90 - angle;
  if (x < 0) angle = 180 - angle;
  return y < 0 ? 360 - angle : angle;
}

/// floor(exact() / step), found from a nearby value wherever that is beyond doubt.
template <class Exact>
int bin_of(double quick, double step, int bins, Exact exact) {
  double bin = std::floor(quick / step);
  const double inside = quick - bin * step;
  if (inside < kCloseDeg || inside > step - kCloseDeg) bin = std::floor(exact() / step);
  return std::clamp(static_cast<int>(bin), 0, bins - 1);
}

struct Neighbour {
  std::int64_t direction = 0;
  double weight = 0;
};

/// The instrument directions around one point of the sky.
class Directions {
 public:
  Directions(const LocalGrid& grid, double zenith_cut_deg) : grid_(grid), cut_(zenith_cut_deg) {
    if (grid.directions() >= kOutside)
      throw std::invalid_argument("a lookup counts at most 65534 instrument directions");
    if (grid.kind == GridKind::kRegular) {
      fill_rows();
      return;
    }
    for (std::int64_t k = 0; k < grid.directions(); ++k)
      inside_.push_back(healpix::centre(grid.nside, grid.nested, k).polar * kDegree <= cut_);
  }

  std::uint16_t nearest(const Vector& seen) const {
    if (grid_.kind == GridKind::kHealpix) {
      const std::int64_t k =
          healpix::pixel_of(grid_.nside, grid_.nested, exact_zenith(seen[2]) / kDegree,
                            exact_azimuth(seen[0], seen[1]) / kDegree);
      return inside_[static_cast<std::size_t>(k)] ? static_cast<std::uint16_t>(k) : kOutside;
    }
    const int iz =
        bin_of(quick_zenith(seen[2]), grid_.step_deg, rows_, [&] { return exact_zenith(seen[2]); });
    if (!inside_[static_cast<std::size_t>(iz)]) return kOutside;
    const int ia = bin_of(quick_azimuth(seen[0], seen[1]), grid_.step_deg, columns_,
                          [&] { return exact_azimuth(seen[0], seen[1]); });
    return static_cast<std::uint16_t>(iz * columns_ + ia);
  }

  std::array<Neighbour, 4> around(const Vector& seen) const {
    const double zenith = exact_zenith(seen[2]);
    const double azimuth = exact_azimuth(seen[0], seen[1]);
    std::array<Neighbour, 4> result{};
    if (grid_.kind == GridKind::kHealpix) {
      const healpix::Interpolation found =
          healpix::interpolate(grid_.nside, grid_.nested, zenith / kDegree, azimuth / kDegree);
      for (std::size_t i = 0; i < 4; ++i) result[i] = {found.pixel[i], found.weight[i]};
      return result;
    }
    const double row = zenith / grid_.step_deg - 0.5;
    const double column = azimuth / grid_.step_deg - 0.5;
    const int iz = static_cast<int>(std::floor(row));
    const int ia = static_cast<int>(std::floor(column));
    const double down = row - iz;
    const double along = column - ia;
    result[0] = {regular(iz, ia), (1 - down) * (1 - along)};
    result[1] = {regular(iz, ia + 1), (1 - down) * along};
    result[2] = {regular(iz + 1, ia), down * (1 - along)};
    result[3] = {regular(iz + 1, ia + 1), down * along};
    return result;
  }

  bool inside(std::int64_t k) const {
    return inside_[static_cast<std::size_t>(grid_.kind == GridKind::kRegular ? k / columns_ : k)];
  }

 private:
  void fill_rows() {
    rows_ = static_cast<int>(std::lround(180 / grid_.step_deg));
    columns_ = static_cast<int>(std::lround(360 / grid_.step_deg));
    for (int iz = 0; iz < rows_; ++iz) inside_.push_back((iz + 0.5) * grid_.step_deg <= cut_);
  }

  // Beyond zenith and nadir the same row goes on half a turn further.
  std::int64_t regular(int iz, int ia) const {
    const bool over = iz < 0 || iz >= rows_;
    const int row = std::clamp(iz, 0, rows_ - 1);
    const int column = (ia + (over ? columns_ / 2 : 0) + columns_) % columns_;
    return static_cast<std::int64_t>(row) * columns_ + column;
  }

  LocalGrid grid_;
  double cut_;
  int rows_ = 0;
  int columns_ = 0;
  std::vector<bool> inside_;  ///< [rows] or [directions]
};

struct Scene {
  const std::vector<double>& sky;  ///< [P, 3]
  const Directions& directions;
  Lookup& lookup;
};

void fill_pointing(const Scene& scene, std::size_t pointing, const Axes& axes,
                   const EarthLimb* earth) {
  const std::size_t pixels = scene.sky.size() / 3;
  const auto each = static_cast<std::size_t>(scene.lookup.neighbours);
  std::uint16_t* direction = scene.lookup.direction.data() + pointing * pixels * each;
  float* weight = each == 1 ? nullptr : scene.lookup.weight.data() + pointing * pixels * each;
  for (std::size_t p = 0; p < pixels; ++p) {
    const double* s = &scene.sky[3 * p];
    if (earth != nullptr && dot(s, earth->zenith.data()) < earth->cosine) continue;
    const Vector seen = {dot(s, &axes[0]), dot(s, &axes[3]), dot(s, &axes[6])};
    if (each == 1) {
      direction[p] = scene.directions.nearest(seen);
      continue;
    }
    const std::array<Neighbour, 4> found = scene.directions.around(seen);
    for (std::size_t i = 0; i < 4; ++i) {
      if (!scene.directions.inside(found[i].direction)) continue;
      direction[4 * p + i] = static_cast<std::uint16_t>(found[i].direction);
      weight[4 * p + i] = static_cast<float>(found[i].weight);
    }
  }
}

}  // namespace

Axes axes_of(double l_x, double b_x, double l_z, double b_z) {
  const Vector x = unit_vector(l_x, b_x);
  const Vector z = unit_vector(l_z, b_z);
  Vector y = {z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]};
  const double length = std::sqrt(dot(y.data(), y.data()));
  for (double& value : y) value /= length;
  return {x[0], x[1], x[2], y[0], y[1], y[2], z[0], z[1], z[2]};
}

EarthLimb earth_limb(double l_zenith, double b_zenith, double altitude_km) {
  const double sine = kEarthRadiusKm / (kEarthRadiusKm + std::max(altitude_km, 0.));
  return {unit_vector(l_zenith, b_zenith), -std::sqrt(1 - sine * sine)};
}

std::int64_t LocalGrid::directions() const {
  if (kind == GridKind::kHealpix) return healpix::pixels(nside);
  return std::lround(180 / step_deg) * std::lround(360 / step_deg);
}

Lookup make_lookup(const std::vector<Axes>& pointings, const Grid& sky, const LocalGrid& local,
                   double zenith_cut_deg, Interpolation interpolation,
                   const std::vector<EarthLimb>& earth) {
  if (!earth.empty() && earth.size() != pointings.size())
    throw std::invalid_argument("the Earth's limb must be given for every pointing or for none");
  const Directions directions_of_instrument(local, zenith_cut_deg);
  const std::vector<double> sky_directions = directions(sky);
  Lookup lookup;
  lookup.neighbours = interpolation == Interpolation::kNearest ? 1 : 4;
  const std::size_t size =
      pointings.size() * sky.l_deg.size() * static_cast<std::size_t>(lookup.neighbours);
  lookup.direction.assign(size, kOutside);
  if (lookup.neighbours > 1) lookup.weight.assign(size, 0);
  const Scene scene{sky_directions, directions_of_instrument, lookup};
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, pointings.size()), [&](const auto& range) {
    for (std::size_t v = range.begin(); v < range.end(); ++v)
      fill_pointing(scene, v, pointings[v], earth.empty() ? nullptr : &earth[v]);
  });
  return lookup;
}

}  // namespace unfold::sky
