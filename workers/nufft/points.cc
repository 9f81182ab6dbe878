#include "workers/nufft/points.h"

#include <algorithm>
#include <numbers>
#include <stdexcept>

namespace unfold::nufft {
namespace {

/// Cells of a box: at least as many as a window reaches, so that only neighbours touch.
constexpr Index kBox[3] = {16, 16, 32};
/// Bins of a box, walked in rows.
constexpr Index kBin[3] = {2, 2, 8};
constexpr Index kBinsOfBox[3] = {kBox[0] / kBin[0], kBox[1] / kBin[1], kBox[2] / kBin[2]};

/// Sorted by: box, then bin inside it.
struct Keys {
  Index boxes[3];

  explicit Keys(const Shape& shape) {
    for (std::size_t d = 0; d < 3; ++d) boxes[d] = (shape.n[d] + kBox[d] - 1) / kBox[d];
  }
  Index box_of(const Index* start) const {
    Index box = 0;
    for (int d = 0; d < 3; ++d) box = box * boxes[d] + start[d] / kBox[d];
    return box;
  }
  Index key_of(const Index* start) const {
    Index key = box_of(start);
    for (int d = 0; d < 3; ++d) key = key * kBinsOfBox[d] + start[d] % kBox[d] / kBin[d];
    return key;
  }
  Index box_count() const { return boxes[0] * boxes[1] * boxes[2]; }
  static constexpr Index kBins = kBinsOfBox[0] * kBinsOfBox[1] * kBinsOfBox[2];

  int colour_of(Index box) const {
    const Index z = box % boxes[2], y = box / boxes[2] % boxes[1], x = box / boxes[2] / boxes[1];
    return static_cast<int>(x % 2 * 4 + y % 2 * 2 + z % 2);
  }
};

struct Placing {
  Locate locate[3];
  Index row, plane;

  explicit Placing(const Shape& shape) : row(shape.row), plane(shape.plane) {
    for (std::size_t d = 0; d < 3; ++d)
      locate[d] = {static_cast<double>(shape.n[d]) / (2 * std::numbers::pi), shape.n[d],
                   shape.width};
  }

  template <class Real>
  void starts(const Real* x, Index* start) const {
    for (int d = 0; d < 3; ++d) start[d] = locate[d](x[d]).start;
  }

  template <class Real>
  Point<Real> operator()(const Real* x) const {
    Place place[3];
    for (int d = 0; d < 3; ++d) place[d] = locate[d](x[d]);
    return {
        {static_cast<Real>(place[0].y), static_cast<Real>(place[1].y),
         static_cast<Real>(place[2].y)},
        static_cast<std::uint32_t>(place[0].start * plane + place[1].start * row + place[2].start)};
  }
};

template <class Real>
void check(const Shape& shape, View<const Real, 2> points) {
  constexpr Index kMost = Index{1} << 32;
  if (points.extent[0] >= kMost || shape.cells >= kMost)
    throw std::invalid_argument(
        "NUFFT points or fine cells of 2^32 or more (they are counted in 32 bits) [set points in "
        "parts, or take fewer modes]");
}

constexpr Index kChunk = 1 << 14;

}  // namespace

template <class Real>
SortedPoints<Real>::SortedPoints(compute::Cpu& cpu, const Shape& shape, View<const Real, 2> x) {
  check(shape, x);
  const Keys keys(shape);
  const Placing placing(shape);
  const Index size = x.extent[0];
  const auto count = static_cast<std::size_t>(size);
  std::vector<std::uint32_t> key(count);
  const auto chunks = [&](const auto& body) {
    cpu.parallel_for((size + kChunk - 1) / kChunk, [&](Index chunk) {
      for (Index p = chunk * kChunk; p < std::min(size, (chunk + 1) * kChunk); ++p)
        body(static_cast<std::size_t>(p));
    });
  };
  chunks([&](std::size_t p) {
    Index start[3];
    placing.starts(x.data + 3 * p, start);
    key[p] = static_cast<std::uint32_t>(keys.key_of(start));
  });
  std::vector<Index> next(static_cast<std::size_t>(keys.box_count() * Keys::kBins + 1));
  for (const std::uint32_t k : key) ++next[k + 1];
  for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
  for (Index box = 0; box < keys.box_count(); ++box) {
    const auto at = static_cast<std::size_t>(box * Keys::kBins);
    const Box whole{next[at], next[at + Keys::kBins]};
    if (whole.begin < whole.end) boxes[keys.colour_of(box)].push_back(whole);
  }
  order.resize(count);
  for (std::size_t p = 0; p < count; ++p)
    order[static_cast<std::size_t>(next[key[p]]++)] = static_cast<std::uint32_t>(p);
  points.resize(count);
  chunks([&](std::size_t i) { points[i] = placing(x.data + 3 * static_cast<Index>(order[i])); });
}

template struct SortedPoints<float>;
template struct SortedPoints<double>;

}  // namespace unfold::nufft
