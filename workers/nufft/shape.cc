#include "workers/nufft/shape.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "workers/nufft/fft.h"
#include "workers/nufft/window.h"

namespace unfold::nufft {
namespace {

/// Vectors of a row reach up to this many cells beyond the window's first.
constexpr Index kReach = 16;

/// A row starts on a border of this many cells: 64 bytes of anything.
constexpr Index kBorder = 16;

/// Even, smooth, and wide enough that a window meets itself nowhere.
Index fine_size(Index modes, double upsampling, int width) {
  const double asked = std::ceil(static_cast<double>(modes) * upsampling - 1e-9);
  const Index n = std::max<Index>(static_cast<Index>(asked), 2 * width);
  return 2 * next_smooth((n + 1) / 2);
}

Shape shape_of(const Modes& modes, double upsampling, int width) {
  std::array<Index, 3> n{};
  for (std::size_t d = 0; d < 3; ++d) n[d] = fine_size(modes[d], upsampling, width);
  return {modes, width, n};
}

/// Nanoseconds, fitted to one core of an AVX-512 machine; only their ratio matters.
double cost_of(const Shape& shape, const Cost& cost) {
  const double lane = cost.single ? 4 : 8, part = cost.real ? 1 : 2;
  const double rows = static_cast<double>(shape.width) * shape.width;
  const double vectors = std::ceil(shape.width * part * lane / 64);
  const double point = 12 + 0.75 * rows * vectors;
  const double n0 = static_cast<double>(shape.n[0]), n1 = static_cast<double>(shape.n[1]),
               n2 = static_cast<double>(shape.n[2]);
  const double lines = n0 * n1 * n2 + n0 * n1 * static_cast<double>(shape.modes[2]) +
                       n0 * static_cast<double>(shape.modes[1] * shape.modes[2]);
  const double line = 0.11 * lane * part / 2 * std::log2(n0 + 1);
  return point * static_cast<double>(cost.points) + line * lines / 2 +
         0.3 * lane * part / 2 * n0 * n1 * n2;
}

[[noreturn]] void refuse(const Options& options) {
  std::string problem = "a NUFFT tolerance of ";
  problem += std::to_string(options.tolerance) + " (no window of up to 16 cells holds it";
  if (options.upsampling != 0) problem += " at upsampling " + std::to_string(options.upsampling);
  throw std::invalid_argument(problem + ") [ask for less, or leave the upsampling to the library]");
}

}  // namespace

Shape::Shape(const Modes& m, int w, const std::array<Index, 3>& fine)
    : modes(m), width(w), n(fine), upsampling(std::numeric_limits<double>::max()) {
  for (std::size_t d = 0; d < 3; ++d)
    upsampling = std::min(upsampling, static_cast<double>(n[d]) / static_cast<double>(modes[d]));
  halo = {width - 1, width - 1, width - 1};
  row = (n[2] + kReach + kBorder - 1) / kBorder * kBorder;
  plane = (n[1] + halo[1]) * row;
  cells = (n[0] + halo[0]) * plane;
}

Shape choose_shape(const Modes& modes, const Options& options, const Cost& cost) {
  std::optional<Shape> best;
  for (int width = kMinWidth; width <= kMaxWidth; ++width) {
    const double least = upsampling_for(options.tolerance, width);
    if (least == 0 || (options.upsampling != 0 && least > options.upsampling)) continue;
    const double upsampling = options.upsampling != 0 ? options.upsampling : std::max(1.25, least);
    const Shape shape = shape_of(modes, upsampling, width);
    if (!best || cost_of(shape, cost) < cost_of(*best, cost)) best = shape;
    if (upsampling == 1.25 || options.upsampling != 0) break;
  }
  if (!best) refuse(options);
  return *best;
}

}  // namespace unfold::nufft
