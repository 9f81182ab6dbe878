#pragma once

#include "workers/compute/block.h"
#include "workers/nufft/device/bins.h"

/// Type 1's way from points to the fine grid. Windows are as wide as residues of their width are
/// many: of all cells with the residues (a, b, c) of one thread, a point touches one. So every
/// thread adds every point of its block, in order, to cells that are its own; nobody waits, and
/// sums are the same in every run.
namespace unfold::nufft {

/// What a point's window is along an axis at the cells of one residue.
template <class Real>
struct Tap {
  Real weight;
  int cell;  ///< times the stride of the axis in the subgrid
};

/// subgrids[i] = sum over the points of part i of value times window.
template <class Real, int Parts, int Threads>
struct SpreadParts {
  static constexpr int kThreads = Threads;
  /// Points whose windows are evaluated between two meetings, and of whose additions the loads run
  /// ahead.
  static constexpr int kChunk = sizeof(Real) == 4 ? 80 : 40, kAhead = 4;
  using Value = Cell<Real, Parts>;

  Bins bins;
  WindowView<Real> window;
  View<const BinPart, 1> parts;
  const Placed<Real>* points;  ///< sorted
  const std::uint32_t* order;  ///< of the sorted among the caller's
  const Value* values;         ///< [P] the caller's
  Value* subgrids;             ///< [parts, subgrid] overwritten

  Index blocks() const { return parts.extent[0]; }
  std::size_t shared_bytes() const {
    return compute::shared_size<Value>(bins.subgrid()) +
           compute::shared_size<Tap<Real>>(3 * bins.width * kChunk) +
           compute::shared_size<Value>(kChunk);
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int size = bins.subgrid(), owners = bins.width * bins.width * bins.width;
    Value* cells = block.template shared<Value>(size);
    auto* taps = block.template shared<Tap<Real>>(3 * bins.width * kChunk);
    Value* chunk = block.template shared<Value>(kChunk);
    const BinPart part = parts(block.index());
    block.for_each(size, [&](Index i) { cells[i] = {}; });
    for (std::uint32_t first = part.begin; first < part.end; first += kChunk) {
      const int left = static_cast<int>(part.end - first), count = left < kChunk ? left : kChunk;
      block.for_each(3 * kChunk, [&](Index i) {
        const int p = static_cast<int>(i) / 3, axis = static_cast<int>(i) % 3;
        prepare(first, p, axis, p < count, taps, chunk);
      });
      block.each_thread([&](int thread) {
        for (int owner = thread; owner < owners; owner += kThreads) {
          add(owner, count, taps, chunk, cells);
        }
      });
    }
    Value* out = subgrids + block.index() * size;
    block.for_each(size, [&](Index i) { out[i] = cells[i]; });
  }

 private:
  /// Taps of the p-th point of a chunk along an axis, and its value; nothing where there is none.
  UNFOLD_DEVICE void prepare(std::uint32_t first, int p, int axis, bool is_there, Tap<Real>* taps,
                             Value* chunk) const {
    const int w = bins.width;
    Tap<Real>* tap = taps + (3 * p + axis) * w;
    if (axis == 0) chunk[p] = is_there ? values[order[first + static_cast<unsigned>(p)]] : Value{};
    if (!is_there) {
      for (int j = 0; j < w; ++j) tap[j] = {0, 0};
      return;
    }
    const Placed<Real> point = points[first + static_cast<unsigned>(p)];
    const int start = static_cast<int>(point.start >> 5 * (2 - axis)) & 31;
    const int stride = axis == 0 ? bins.reach[1] * bins.reach[2] : axis == 1 ? bins.reach[2] : 1;
    const Real y = axis == 0 ? point.y[0] : axis == 1 ? point.y[1] : point.y[2];
    int residue = start % w;
    for (int j = 0; j < w; ++j) {
      tap[residue] = {window.at(y, j), (start + j) * stride};
      residue = residue + 1 < w ? residue + 1 : 0;
    }
  }

  /// Adds the chunk's points to the cells of one owner.
  UNFOLD_DEVICE void add(int owner, int count, const Tap<Real>* taps, const Value* chunk,
                         Value* cells) const {
    const int w = bins.width;
    const Tap<Real>* x = taps + owner / (w * w);
    const Tap<Real>* y = taps + w + owner / w % w;
    const Tap<Real>* z = taps + 2 * w + owner % w;
    for (int p = 0; p < count; p += kAhead) {
      Real weight[kAhead];
      Value value[kAhead];
      int at[kAhead];
      for (int a = 0; a < kAhead; ++a) {
        const int row = 3 * w * (p + a);
        weight[a] = x[row].weight * y[row].weight * z[row].weight;
        at[a] = x[row].cell + y[row].cell + z[row].cell;
        value[a] = chunk[p + a];
      }
      for (int a = 0; a < kAhead; ++a) {
        Value sum = cells[at[a]];
        for (int part = 0; part < Parts; ++part) sum.part[part] += weight[a] * value[a].part[part];
        cells[at[a]] = sum;
      }
    }
  }
};

/// fine [n0, n1, n2] = sum of the subgrids that reach each cell, in the order of parts.
template <class Real, int Parts>
struct SumSubgrids {
  using Value = Cell<Real, Parts>;
  Bins bins;
  const std::uint32_t* first_part;  ///< [bins + 1] of each bin
  const Value* subgrids;
  Value* fine;

  UNFOLD_HD void operator()(Index i) const {
    const Index plane = static_cast<Index>(bins.n[1]) * bins.n[2];
    const int g[] = {static_cast<int>(i / plane), static_cast<int>(i / bins.n[2] % bins.n[1]),
                     static_cast<int>(i % bins.n[2])};
    Value sum{};
    bins.each_reaching(0, g[0], [&](int a, int la) {
      bins.each_reaching(1, g[1], [&](int b, int lb) {
        bins.each_reaching(2, g[2], [&](int c, int lc) {
          const int bin = bins.bin(a, b, c), local = (la * bins.reach[1] + lb) * bins.reach[2] + lc;
          for (std::uint32_t p = first_part[bin]; p < first_part[bin + 1]; ++p) {
            const Value one = subgrids[static_cast<Index>(p) * bins.subgrid() + local];
            for (int part = 0; part < Parts; ++part) sum.part[part] += one.part[part];
          }
        });
      });
    });
    fine[i] = sum;
  }
};

}  // namespace unfold::nufft
