#include "workers/nufft/shape.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "workers/nufft/smooth.h"
#include "workers/nufft/window.h"

namespace unfold::nufft {
namespace {

/// Vectors of a row reach up to this many cells beyond the window's first.
constexpr Index kReach = 16;

/// Bytes of a cache line, and sets of lines: the low bits of an address, which alias beyond 4 KiB.
constexpr Index kLine = 64, kSets = 64;

Index rounded_up(Index n, Index border) { return (n + border - 1) / border * border; }

/// How unevenly the lines of a window's rows fall on the sets of a cache; strides in lines.
Index crowding(int width, Index lines, Index row, Index plane) {
  std::array<Index, kSets> used{};
  Index squares = 0;
  for (Index i = 0; i < width; ++i)
    for (Index j = 0; j < width; ++j)
      for (Index line = 0; line < lines; ++line) {
        Index& there = used[static_cast<std::size_t>((i * plane + j * row + line) % kSets)];
        squares += 2 * there++ + 1;
      }
  return squares;
}

/// How much longer FFTW takes, by how often two divides the size: measured, estimated plans.
double slowness(Index n) {
  constexpr double kOf[] = {2, 1.7, 1.4, 1.15, 1};
  std::size_t twos = 0;
  for (; twos < 4 && n % 2 == 0; n /= 2) ++twos;
  return kOf[twos];
}

/// Even, smooth, wide enough that a window meets itself nowhere, and of a speed that is worth the
/// cells it takes more.
Index fine_size(Index modes, double upsampling, int width) {
  const double asked = std::ceil(static_cast<double>(modes) * upsampling - 1e-9);
  const Index least = std::max<Index>(static_cast<Index>(asked), 2 * width);
  const auto weight = [](Index n) { return static_cast<double>(n) * std::pow(slowness(n), 0.25); };
  Index best = 2 * next_smooth((least + 1) / 2);
  for (Index n = best; n <= least + least / 4; n = 2 * next_smooth(n / 2 + 1))
    if (weight(n) < weight(best)) best = n;
  return best;
}

Shape shape_of(const Modes& modes, double upsampling, int width, const Cost& cost) {
  std::array<Index, 3> n{};
  for (std::size_t d = 0; d < 3; ++d) n[d] = fine_size(modes[d], upsampling, width);
  const Index cell = (cost.single ? 4 : 8) * (cost.real ? 1 : 2);
  return {modes, width, n, cell};
}

/// Nanoseconds, fitted to one core of an AVX-512 machine; only their ratio matters.
double cost_of(const Shape& shape, const Cost& cost) {
  const double bytes = (cost.single ? 4 : 8) * (cost.real ? 1 : 2);
  const double rows = static_cast<double>(shape.width) * shape.width;
  const double vectors = std::max(1.3, std::ceil(shape.width * bytes / 64));
  const double point = 10 + 0.9 * rows * vectors;
  double lines = 0, plane = 1;
  for (std::size_t d = 0; d < 3; ++d) plane *= static_cast<double>(shape.n[d]);
  for (std::size_t d = 3; d-- > 0;) {
    lines += plane * slowness(shape.n[d]);
    plane *= static_cast<double>(shape.modes[d]) / static_cast<double>(shape.n[d]);
  }
  return point * static_cast<double>(cost.points) + 0.28 * bytes * lines;
}

[[noreturn]] void refuse(const Options& options) {
  std::ostringstream problem;
  problem << "a NUFFT tolerance of " << options.tolerance
          << " (no window of up to 16 cells holds it against aliasing and rounding";
  if (options.upsampling != 0) problem << " at upsampling " << options.upsampling;
  problem << ") [ask for less, or leave the upsampling to the library]";
  throw std::invalid_argument(problem.str());
}

}  // namespace

Shape::Shape(const Modes& m, int w, const std::array<Index, 3>& fine, Index cell_bytes)
    : modes(m), width(w), n(fine), upsampling(std::numeric_limits<double>::max()) {
  for (std::size_t d = 0; d < 3; ++d)
    upsampling = std::min(upsampling, static_cast<double>(n[d]) / static_cast<double>(modes[d]));
  halo = {width - 1, width - 1, width - 1};
  const Index border = kLine / cell_bytes, lines = width / border + 2;
  const Index least_row = rounded_up(n[2] + kReach, border) / border;
  Index least = std::numeric_limits<Index>::max();
  for (Index row_lines = least_row; row_lines < least_row + 4; ++row_lines)
    for (Index pad = 0; pad < kSets; pad += 3) {
      const Index plane_lines = (n[1] + halo[1]) * row_lines + pad;
      const Index found = crowding(width, lines, row_lines, plane_lines);
      if (found >= least) continue;
      least = found;
      row = row_lines * border;
      plane = plane_lines * border;
    }
  cells = (n[0] + halo[0]) * plane;
}

Shape choose_shape(const Modes& modes, const Options& options, const Cost& cost) {
  std::optional<Shape> best;
  for (int width = kMinWidth; width <= kMaxWidth; ++width) {
    const double least = upsampling_for(options.tolerance, width);
    if (least == 0 || (options.upsampling != 0 && least > options.upsampling)) continue;
    const double upsampling = options.upsampling != 0 ? options.upsampling : std::max(1.25, least);
    const Shape shape = shape_of(modes, upsampling, width, cost);
    const double rounding = rounding_error(width, shape.upsampling, cost.single ? 6e-8 : 1.1e-16);
    if (rounding <= options.tolerance / 2 && (!best || cost_of(shape, cost) < cost_of(*best, cost)))
      best = shape;
    if (upsampling == 1.25 || options.upsampling != 0) break;
  }
  if (!best) refuse(options);
  return *best;
}

}  // namespace unfold::nufft
