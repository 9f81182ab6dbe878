#include "workers/nufft/points.h"

#include <algorithm>
#include <stdexcept>

#include "workers/nufft/dispatch.h"

namespace unfold::nufft {
namespace {

/// Points that are placed by one task.
constexpr Index kChunk = 1 << 14;

void check(const Shape& shape, Index points) {
  constexpr Index kMost = Index{1} << 32;
  if (points < kMost && shape.cells < kMost) return;
  throw std::invalid_argument(
      "NUFFT points or fine cells of 2^32 or more (they are counted in 32 bits) [set points in "
      "parts, or take fewer modes]");
}

/// Neighbours differ: boxes of one colour have a box between them.
int colour_of(const Index* boxes, Index box) {
  const Index z = box % boxes[2], y = box / boxes[2] % boxes[1], x = box / boxes[2] / boxes[1];
  return static_cast<int>(x % 2 * 4 + y % 2 * 2 + z % 2);
}

}  // namespace

template <class Real>
SortedPoints<Real>::SortedPoints(compute::Cpu& cpu, const Shape& shape, View<const Real, 2> x,
                                 compute::Isa isa) {
  const Index size = x.extent[0];
  check(shape, size);
  Placing<Real> task{nullptr, 0, {}, {}, shape.plane, shape.row, shape.width};
  for (std::size_t d = 0; d < 3; ++d) {
    task.n[d] = shape.n[d];
    task.boxes[d] = ((shape.n[d] - 1) >> kBoxBits[d]) + 1;
  }
  const auto count = static_cast<std::size_t>(size);
  std::vector<Point<Real>> placed(count);
  std::vector<std::uint32_t> key(count);
  const auto place = kernels_of<Real>(kernels(isa)).place;
  cpu.parallel_for((size + kChunk - 1) / kChunk, [&](Index chunk) {
    Placing<Real> part = task;
    part.x = x.data + 3 * chunk * kChunk;
    part.count = std::min(kChunk, size - chunk * kChunk);
    place(part, placed.data() + chunk * kChunk, key.data() + chunk * kChunk);
  });
  const Index box_count = task.boxes[0] * task.boxes[1] * task.boxes[2];
  std::vector<std::uint32_t> next(static_cast<std::size_t>(box_count * kBinsOfBox + 1));
  for (const std::uint32_t k : key) ++next[k + 1];
  for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
  for (Index box = 0; box < box_count; ++box) {
    const auto at = static_cast<std::size_t>(box * kBinsOfBox);
    const Box whole{next[at], next[at + kBinsOfBox]};
    if (whole.begin < whole.end) boxes[colour_of(task.boxes, box)].push_back(whole);
  }
  order.resize(count);
  points.resize(count);
  for (std::size_t p = 0; p < count; ++p) {
    const std::uint32_t to = next[key[p]]++;
    order[to] = static_cast<std::uint32_t>(p);
    points[to] = placed[p];
  }
}

template struct SortedPoints<float>;
template struct SortedPoints<double>;

}  // namespace unfold::nufft
