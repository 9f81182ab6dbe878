#include "common/sky/grid.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "common/sky/healpix.h"

namespace unfold::sky {
namespace {

constexpr double kRadian = std::numbers::pi / 180;

int steps_of(double range_deg, double step_deg) {
  if (!(step_deg > 0) || step_deg > 180)
    throw std::invalid_argument("a pixel must be more than 0 and at most 180 degrees wide");
  const double steps = std::round(range_deg / step_deg);
  if (std::abs(steps * step_deg - range_deg) > 1e-9 * range_deg)
    throw std::invalid_argument("a pixel's width must divide 180 degrees");
  return static_cast<int>(steps);
}

std::int32_t regular_neighbour(const Grid& grid, int ib, int il, int up, int east) {
  const int row = ib + up;
  if (row < 0 || row >= grid.nb) return -1;
  return row * grid.nl + (il + east + grid.nl) % grid.nl;
}

}  // namespace

Grid regular_grid(double step_deg) {
  Grid grid;
  grid.nb = steps_of(180, step_deg);
  grid.nl = 2 * grid.nb;
  const auto pixels = static_cast<std::size_t>(grid.nb) * static_cast<std::size_t>(grid.nl);
  grid.l_deg.reserve(pixels);
  grid.b_deg.reserve(pixels);
  grid.solid_angle.reserve(pixels);
  for (int ib = 0; ib < grid.nb; ++ib) {
    const double b = -90 + step_deg * (ib + 0.5);
    const double area =
        step_deg * kRadian *
        (std::sin((b + step_deg / 2) * kRadian) - std::sin((b - step_deg / 2) * kRadian));
    for (int il = 0; il < grid.nl; ++il) {
      grid.l_deg.push_back(-180 + step_deg * (il + 0.5));
      grid.b_deg.push_back(b);
      grid.solid_angle.push_back(area);
    }
  }
  return grid;
}

Grid healpix_grid(int nside, bool nested) {
  if (nside < 1 || nside > 1024 || (nside & (nside - 1)) != 0)
    throw std::invalid_argument("nside must be a power of two from 1 to 1024");
  Grid grid;
  grid.kind = GridKind::kHealpix;
  grid.nside = nside;
  grid.nested = nested;
  const std::int64_t pixels = healpix::pixels(nside);
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    const healpix::Point point = healpix::centre(nside, nested, pixel);
    grid.l_deg.push_back(point.azimuth / kRadian);
    grid.b_deg.push_back(90 - point.polar / kRadian);
  }
  grid.solid_angle.assign(static_cast<std::size_t>(pixels),
                          4 * std::numbers::pi / static_cast<double>(pixels));
  return grid;
}

std::vector<double> directions(const Grid& grid) {
  std::vector<double> result;
  result.reserve(grid.l_deg.size() * 3);
  for (std::size_t p = 0; p < grid.l_deg.size(); ++p) {
    const double polar = (90 - grid.b_deg[p]) * kRadian;
    const double azimuth = grid.l_deg[p] * kRadian;
    result.insert(result.end(), {std::sin(polar) * std::cos(azimuth),
                                 std::sin(polar) * std::sin(azimuth), std::cos(polar)});
  }
  return result;
}

std::vector<std::int32_t> neighbours(const Grid& grid) {
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>(grid.pixels()) * 8);
  if (grid.kind == GridKind::kHealpix) {
    for (std::int64_t pixel = 0; pixel < grid.pixels(); ++pixel)
      for (const std::int64_t next : healpix::neighbours(grid.nside, grid.nested, pixel))
        result.push_back(static_cast<std::int32_t>(next));
    return result;
  }
  for (int ib = 0; ib < grid.nb; ++ib)
    for (int il = 0; il < grid.nl; ++il)
      for (int up = -1; up <= 1; ++up)
        for (int east = -1; east <= 1; ++east)
          if (up != 0 || east != 0) result.push_back(regular_neighbour(grid, ib, il, up, east));
  return result;
}

std::int64_t pixel_of(const Grid& grid, double l_deg, double b_deg) {
  if (grid.kind == GridKind::kHealpix)
    return healpix::pixel_of(grid.nside, grid.nested, (90 - b_deg) * kRadian, l_deg * kRadian);
  const double turns = (l_deg + 180) / 360;
  const auto il = static_cast<int>((turns - std::floor(turns)) * grid.nl);
  const auto ib = static_cast<int>(std::floor((b_deg + 90) / 180 * grid.nb));
  return static_cast<std::int64_t>(std::clamp(ib, 0, grid.nb - 1)) * grid.nl +
         std::min(il, grid.nl - 1);
}

}  // namespace unfold::sky
