#pragma once

#include "workers/compute/block.h"
#include "workers/nufft/device/bins.h"

/// Type 2's way from the fine grid to points: a block takes a bin's subgrid into shared memory, a
/// thread sums the window of a point.
namespace unfold::nufft {

/// values[order[p]] = fine [n0, n1, n2] under the window of the sorted point p.
template <class Real, int Parts>
struct GatherParts {
  static constexpr int kThreads = 128;
  using Value = Cell<Real, Parts>;

  Bins bins;
  WindowView<Real> window;
  View<const BinPart, 1> parts;
  const Placed<Real>* points;
  const std::uint32_t* order;
  const Value* fine;
  Value* values;  ///< [P] the caller's, overwritten

  Index blocks() const { return parts.extent[0]; }
  std::size_t shared_bytes() const {
    return compute::shared_size<Value>(bins.subgrid()) +
           compute::shared_size<Real>(3 * bins.width * kThreads);
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    Value* cells = block.template shared<Value>(bins.subgrid());
    // Of each thread its own: the window's cells along the axes, kThreads apart.
    Real* weights = block.template shared<Real>(3 * bins.width * kThreads);
    const BinPart part = parts(block.index());
    block.for_each(bins.subgrid(),
                   [&](Index i) { cells[i] = fine[bins.cell(part.bin, static_cast<int>(i))]; });
    block.for_each(static_cast<Index>(part.end - part.begin), [&](Index i, int thread) {
      const auto p = part.begin + static_cast<std::uint32_t>(i);
      values[order[p]] = gathered(points[p], cells, weights + thread);
    });
  }

 private:
  UNFOLD_DEVICE Value gathered(const Placed<Real>& point, const Value* cells, Real* own) const {
    const int w = bins.width;
    for (int d = 0; d < 3; ++d) {
      for (int j = 0; j < w; ++j) own[(d * w + j) * kThreads] = window.at(point.y[d], j);
    }
    const int start[] = {static_cast<int>(point.start >> 10) & 31,
                         static_cast<int>(point.start >> 5) & 31,
                         static_cast<int>(point.start) & 31};
    const Value* corner = cells + (start[0] * bins.reach[1] + start[1]) * bins.reach[2] + start[2];
    const Real* along = own + 2 * w * kThreads;
    Value sum{};
    for (int i = 0; i < w; ++i) {
      for (int j = 0; j < w; ++j) {
        const Value* row = corner + (i * bins.reach[1] + j) * bins.reach[2];
        Value line{};
        for (int k = 0; k < w; ++k) {
          for (int part = 0; part < Parts; ++part) {
            line.part[part] += along[k * kThreads] * row[k].part[part];
          }
        }
        const Real weight = own[i * kThreads] * own[(w + j) * kThreads];
        for (int part = 0; part < Parts; ++part) sum.part[part] += weight * line.part[part];
      }
    }
    return sum;
  }
};

}  // namespace unfold::nufft
