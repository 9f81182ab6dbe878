#include "common/sky/healpix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace unfold::sky::healpix {
namespace {

constexpr double kHalfPi = std::numbers::pi / 2;

/// A cell of one of the twelve squares: faces 0-3 touch the north pole, 4-7 lie on the equator,
/// 8-11 touch the south pole; x grows to the north-east, y to the north-west.
struct Cell {
  int face = 0;
  int x = 0;
  int y = 0;
};

/// A ring of equal latitude and a place on it, eastward from azimuth 0. Rings count from 1.
struct Place {
  int ring = 1;
  int along = 0;
};

double wrapped(double azimuth) {
  const double turn = 4 * kHalfPi;
  const double rest = std::fmod(azimuth, turn);
  const double positive = rest < 0 ? rest + turn : rest;
  return positive < turn ? positive : 0;
}

// On the unrolled plane the squares form three rows of four; +1 is the northern one.
int row_of(int face) { return 1 - face / 4; }

// A square's column on the plane in half diagonals; those of the equator begin at azimuth 0.
int column_of(int face) { return 2 * (face % 4) + (row_of(face) == 0 ? 0 : 1); }

std::int64_t spread(int value) {
  std::int64_t bits = 0;
  for (int i = 0; i < 10; ++i) bits |= static_cast<std::int64_t>((value >> i) & 1) << (2 * i);
  return bits;
}

int gathered(std::int64_t bits) {
  int value = 0;
  for (int i = 0; i < 10; ++i) value |= static_cast<int>((bits >> (2 * i)) & 1) << i;
  return value;
}

std::int64_t nested_of(int nside, const Cell& cell) {
  return static_cast<std::int64_t>(cell.face) * nside * nside + spread(cell.x) + 2 * spread(cell.y);
}

Cell cell_of_nested(int nside, std::int64_t pixel) {
  const std::int64_t each = static_cast<std::int64_t>(nside) * nside;
  const std::int64_t inside = pixel % each;
  return {static_cast<int>(pixel / each), gathered(inside), gathered(inside >> 1)};
}

int ring_length(int nside, int ring) { return 4 * std::min({ring, nside, 4 * nside - ring}); }

std::int64_t ring_start(int nside, int ring) {
  const std::int64_t i = ring;
  const std::int64_t n = nside;
  if (i < n) return 2 * i * (i - 1);
  if (i <= 3 * n) return 2 * n * (n - 1) + (i - n) * 4 * n;
  const std::int64_t south = 4 * n - i;
  return pixels(nside) - 2 * south * (south + 1);
}

// Every second ring of the belt begins half a pixel before azimuth 0.
bool half_shifted(int nside, int ring) {
  return ring < nside || ring > 3 * nside || (ring - nside) % 2 == 0;
}

double ring_polar(int nside, int ring) {
  const double n = nside;
  if (ring >= nside && ring <= 3 * nside) return std::acos((2 * n - ring) * 2 / (3 * n));
  const double cap = std::min(ring, 4 * nside - ring);
  const double height = cap * cap / (3 * n * n);  // 1 - |cos|, exact near the pole
  const double polar = std::atan2(std::sqrt(height * (2 - height)), 1 - height);
  return ring < nside ? polar : std::numbers::pi - polar;
}

double place_azimuth(int nside, const Place& place) {
  const double shift = half_shifted(nside, place.ring) ? 0.5 : 0;
  return (place.along + shift) * 4 * kHalfPi / ring_length(nside, place.ring);
}

Place place_of(int nside, const Cell& cell) {
  const int quarter = cell.face % 4;
  const int ring = nside * (3 - row_of(cell.face)) - cell.x - cell.y - 1;
  if (ring < nside) return {ring, quarter * ring + cell.x - (nside - ring)};
  if (ring > 3 * nside) return {ring, quarter * (4 * nside - ring) + cell.x};
  const int shift = half_shifted(nside, ring) ? 1 : 0;
  const int along = (nside * column_of(cell.face) + cell.x - cell.y - shift) / 2;
  return {ring, (along + 4 * nside) % (4 * nside)};
}

Cell cell_of_belt(int nside, const Place& place) {
  const int east = 2 * place.along + (half_shifted(nside, place.ring) ? 1 : 0);
  const int north = 2 * nside - place.ring;
  // Shifted by whole squares so that the divisions below round down.
  const int x = (north + east + nside - 1) / 2;
  const int y = (north - east + nside - 1) / 2 + 8 * nside;
  const int row = x / nside + y / nside - 8;
  const int quarter = (row == 1 ? x / nside - 1 : x / nside) % 4;
  return {(1 - row) * 4 + quarter, x % nside, y % nside};
}

Cell cell_of(int nside, const Place& place) {
  if (place.ring < nside) {
    const int x = nside - place.ring + place.along % place.ring;
    return {place.along / place.ring, x, 2 * nside - 1 - place.ring - x};
  }
  if (place.ring > 3 * nside) {
    const int south = 4 * nside - place.ring;
    const int x = place.along % south;
    return {8 + place.along / south, x, south - 1 - x};
  }
  return cell_of_belt(nside, place);
}

Place place_of_ring_pixel(int nside, std::int64_t pixel) {
  const std::int64_t n = nside;
  const std::int64_t cap = 2 * n * (n - 1);
  int ring = 0;
  if (pixel < cap || pixel >= pixels(nside) - cap) {
    const bool north = pixel < cap;
    const std::int64_t from_pole = north ? pixel : pixels(nside) - 1 - pixel;
    auto i = static_cast<int>((1 + std::sqrt(1 + 2 * static_cast<double>(from_pole))) / 2);
    while (2 * static_cast<std::int64_t>(i) * (i + 1) <= from_pole) ++i;
    while (2 * static_cast<std::int64_t>(i) * (i - 1) > from_pole) --i;
    ring = north ? i : 4 * nside - i;
  } else {
    ring = static_cast<int>((pixel - cap) / (4 * n)) + nside;
  }
  return {ring, static_cast<int>(pixel - ring_start(nside, ring))};
}

std::int64_t ring_pixel(int nside, const Place& place) {
  return ring_start(nside, place.ring) + place.along;
}

Cell cell_of_pixel(int nside, bool nested, std::int64_t pixel) {
  return nested ? cell_of_nested(nside, pixel) : cell_of(nside, place_of_ring_pixel(nside, pixel));
}

std::int64_t pixel_of_cell(int nside, bool nested, const Cell& cell) {
  return nested ? nested_of(nside, cell) : ring_pixel(nside, place_of(nside, cell));
}

int cell_coordinate(int nside, double share) {
  return std::clamp(static_cast<int>(std::floor(share * nside)), 0, nside - 1);
}

/// In a polar cap the squares' meridians squeeze together by `squeeze` = sqrt(3 (1 - |cos|)).
Cell polar_cell(int nside, bool north, double squeeze, double eighths) {
  const int quarter = std::min(3, static_cast<int>(eighths / 2));
  const double east = eighths - (2 * quarter + 1);  // -1 .. 1 from the middle meridian
  const double right = squeeze * (1 + east) / 2;
  const double left = squeeze * (1 - east) / 2;
  if (north) return {quarter, cell_coordinate(nside, 1 - left), cell_coordinate(nside, 1 - right)};
  return {8 + quarter, cell_coordinate(nside, right), cell_coordinate(nside, left)};
}

Cell belt_cell(int nside, double height, double eighths) {
  const double x = (1.5 * height + eighths) / 2 + 0.5;
  const double y = (1.5 * height - eighths) / 2 + 0.5;
  const int square_x = static_cast<int>(std::floor(x));
  const int square_y = static_cast<int>(std::floor(y));
  const int row = std::clamp(square_x + square_y, -1, 1);
  const int quarter = ((row == 1 ? -square_y : square_x) + 8) % 4;
  return {(1 - row) * 4 + quarter, cell_coordinate(nside, x - square_x),
          cell_coordinate(nside, y - square_y)};
}

/// The face and cell that a step over an edge or corner leads to; face -1 where there is none.
Cell stepped(int nside, Cell cell, int dx, int dy) {
  const int last = nside - 1;
  const int x = cell.x + dx;
  const int y = cell.y + dy;
  const int over_x = x < 0 ? -1 : (x > last ? 1 : 0);
  const int over_y = y < 0 ? -1 : (y > last ? 1 : 0);
  const int row = row_of(cell.face);
  const int quarter = cell.face % 4;
  const auto face = [](int to_row, int to_quarter) { return (1 - to_row) * 4 + to_quarter % 4; };
  if (row != 0 && over_x * over_y < 0) return {-1, 0, 0};
  if (row == 0 && over_x * over_y > 0) return {-1, 0, 0};
  if (row == 1 && over_x + over_y > 0) {  // around the north pole
    if (over_x > 0 && over_y > 0) return {face(1, quarter + 2), last, last};
    if (over_x > 0) return {face(1, quarter + 1), y, last};
    return {face(1, quarter + 3), last, x};
  }
  if (row == -1 && over_x + over_y < 0) {  // around the south pole
    if (over_x < 0 && over_y < 0) return {face(-1, quarter + 2), 0, 0};
    if (over_x < 0) return {face(-1, quarter + 3), y, 0};
    return {face(-1, quarter + 1), 0, x};
  }
  const Cell inside{cell.face, (x + nside) % nside, (y + nside) % nside};
  if (over_x == 0 && over_y == 0) return inside;
  // Elsewhere the plane goes on: squares of a row share x + y.
  const int square_x = quarter + (row == 1 ? 1 : 0) + over_x;
  const int to_row = row + over_x + over_y;
  return {face(to_row, square_x - (to_row == 1 ? 1 : 0) + 4), inside.x, inside.y};
}

/// The last ring not south of a point; 0 north of the first.
int ring_above(int nside, double polar) {
  const double height = std::cos(polar);
  const double n = nside;
  if (std::abs(height) <= 2. / 3) return static_cast<int>(n * (2 - 1.5 * height));
  const double half = std::sin((height > 0 ? polar : std::numbers::pi - polar) / 2);
  const int from_pole = static_cast<int>(n * std::sqrt(6.) * half);
  return height > 0 ? from_pole : 4 * nside - 1 - from_pole;
}

struct Along {
  std::array<std::int64_t, 2> pixel;
  std::array<double, 2> weight;
};

Along along_ring(int nside, int ring, double azimuth) {
  const int length = ring_length(nside, ring);
  const double shift = half_shifted(nside, ring) ? 0.5 : 0;
  const double place = azimuth / (4 * kHalfPi) * length - shift;
  const double before = std::floor(place);
  const int first = (static_cast<int>(before) + length) % length;
  const std::int64_t start = ring_start(nside, ring);
  return {{start + first, start + (first + 1) % length}, {1 - (place - before), place - before}};
}

/// Beyond the outermost ring of a pole: between that ring and the mean of its four pixels.
Interpolation beside_pole(int nside, int ring, double share, double azimuth) {
  const Along along = along_ring(nside, ring, azimuth);
  const std::int64_t start = ring_start(nside, ring);
  Interpolation result;
  for (std::size_t i = 0; i < 2; ++i) {
    result.pixel[i] = along.pixel[i];
    result.weight[i] = share * along.weight[i] + (1 - share) / 4;
    result.pixel[i + 2] = start + (along.pixel[i] - start + 2) % 4;
    result.weight[i + 2] = (1 - share) / 4;
  }
  return result;
}

Interpolation interpolate_ring(int nside, double polar, double azimuth) {
  const int above = ring_above(nside, polar);
  const int rings = 4 * nside - 1;
  if (above == 0) return beside_pole(nside, 1, polar / ring_polar(nside, 1), azimuth);
  if (above >= rings) {
    const double last = std::numbers::pi - ring_polar(nside, rings);
    return beside_pole(nside, rings, (std::numbers::pi - polar) / last, azimuth);
  }
  const double north = ring_polar(nside, above);
  const double south = ring_polar(nside, above + 1);
  const double share = (polar - north) / (south - north);
  const Along upper = along_ring(nside, above, azimuth);
  const Along lower = along_ring(nside, above + 1, azimuth);
  Interpolation result;
  for (std::size_t i = 0; i < 2; ++i) {
    result.pixel[i] = upper.pixel[i];
    result.weight[i] = (1 - share) * upper.weight[i];
    result.pixel[i + 2] = lower.pixel[i];
    result.weight[i + 2] = share * lower.weight[i];
  }
  return result;
}

}  // namespace

Point centre(int nside, bool nested, std::int64_t pixel) {
  const Place place =
      nested ? place_of(nside, cell_of_nested(nside, pixel)) : place_of_ring_pixel(nside, pixel);
  return {ring_polar(nside, place.ring), place_azimuth(nside, place)};
}

std::int64_t pixel_of(int nside, bool nested, double polar, double azimuth) {
  const double height = std::cos(polar);
  const double eighths = wrapped(azimuth) / (kHalfPi / 2);
  Cell cell;
  if (std::abs(height) <= 2. / 3) {
    cell = belt_cell(nside, height, eighths);
  } else {
    const bool north = height > 0;
    const double half = std::sin((north ? polar : std::numbers::pi - polar) / 2);
    cell = polar_cell(nside, north, std::sqrt(6.) * std::abs(half), eighths);
  }
  return pixel_of_cell(nside, nested, cell);
}

std::int64_t ring_of_nested(int nside, std::int64_t pixel) {
  return pixel_of_cell(nside, false, cell_of_nested(nside, pixel));
}

std::int64_t nested_of_ring(int nside, std::int64_t pixel) {
  return pixel_of_cell(nside, true, cell_of_pixel(nside, false, pixel));
}

std::array<std::int64_t, 8> neighbours(int nside, bool nested, std::int64_t pixel) {
  constexpr std::array<std::array<int, 2>, 8> kSteps = {
      {{-1, 0}, {-1, 1}, {0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}, {-1, -1}}};
  const Cell cell = cell_of_pixel(nside, nested, pixel);
  std::array<std::int64_t, 8> result{};
  for (std::size_t i = 0; i < kSteps.size(); ++i) {
    const Cell next = stepped(nside, cell, kSteps[i][0], kSteps[i][1]);
    result[i] = next.face < 0 ? -1 : pixel_of_cell(nside, nested, next);
  }
  return result;
}

Interpolation interpolate(int nside, bool nested, double polar, double azimuth) {
  Interpolation result = interpolate_ring(nside, polar, wrapped(azimuth));
  if (nested)
    for (std::int64_t& pixel : result.pixel) pixel = nested_of_ring(nside, pixel);
  return result;
}

}  // namespace unfold::sky::healpix
