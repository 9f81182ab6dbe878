#pragma once

#include <cstdint>

#include "workers/nufft/device/tables.h"
#include "workers/nufft/functors.h"

/// How points on a device are sorted: by the bin of the fine grid in which their window begins. The
/// windows of a bin's points touch a subgrid of cells, which fits into what a block shares.
namespace unfold::nufft {

using compute::View;

/// Complex or real numbers of the grid and of the points.
template <class Real, int Parts>
struct alignas(Parts * sizeof(Real)) Cell {
  Real part[Parts];
};

/// A point in its bin.
template <class Real>
struct alignas(16) Placed {
  Real y[3];            ///< kernels.h
  std::uint32_t start;  ///< of its window in the subgrid: five bits an axis, the last lowest
};

/// Some points of one bin: what a block takes.
struct BinPart {
  int bin;
  std::uint32_t begin, end;  ///< of the sorted points
};

/// Points that a block takes at most: bins where more lie are shared by several.
inline constexpr Index kPointsOfPart = 8192;

struct Bins {
  int n[3];      ///< cells of the fine grid
  int count[3];  ///< bins
  int reach[3];  ///< cells of a subgrid
  int edge;      ///< cells of a bin along each axis
  int width;     ///< of the window

  UNFOLD_HD int size() const { return count[0] * count[1] * count[2]; }
  UNFOLD_HD int subgrid() const { return reach[0] * reach[1] * reach[2]; }
  UNFOLD_HD int bin(int a, int b, int c) const { return (a * count[1] + b) * count[2] + c; }

  /// The cell of the fine grid on which cell `local` of a bin's subgrid lies.
  UNFOLD_HD Index cell(int bin, int local) const {
    const int at[] = {local / (reach[1] * reach[2]), local / reach[2] % reach[1], local % reach[2]};
    const int of[] = {bin / (count[1] * count[2]), bin / count[2] % count[1], bin % count[2]};
    Index out = 0;
    for (int d = 0; d < 3; ++d) out = out * n[d] + (of[d] * edge + at[d]) % n[d];
    return out;
  }

  /// f(bin, local) for each bin along axis d whose subgrid reaches cell g, in a fixed order.
  template <class F>
  UNFOLD_HD void each_reaching(int d, int g, const F& f) const {
    for (int u = g; u <= g + n[d]; u += n[d]) {
      const int own = u / edge, last = count[d] - 1;
      for (int b = own < last ? own : last; b >= 0 && u - b * edge < reach[d]; --b) {
        f(b, u - b * edge);
      }
    }
  }
};

/// Bins for a window over a fine grid: as large as leaves room for two blocks or more on a
/// multiprocessor, down to four cells.
inline Bins bins_of(const Edges& n, int width, std::size_t cell_bytes) {
  constexpr std::size_t kRoom = 80 * 1024;
  Bins out{};
  out.width = width;
  for (out.edge = 16; out.edge > 4; out.edge /= 2) {
    const auto reach = static_cast<std::size_t>(out.edge + width - 1);
    if (reach * reach * reach * cell_bytes <= kRoom) break;
  }
  for (int d = 0; d < 3; ++d) {
    out.n[d] = static_cast<int>(n[static_cast<std::size_t>(d)]);
    out.count[d] = (out.n[d] + out.edge - 1) / out.edge;
    out.reach[d] = (out.edge < out.n[d] ? out.edge : out.n[d]) + width - 1;
  }
  return out;
}

/// Where the window of a coordinate begins: the bin along the axis, the cell in it, and y.
struct BinPlace {
  int bin, local;
  double y;
};

/// x radians; what is not finite goes to cell 0, with y no number.
UNFOLD_HD inline BinPlace place_in_bins(const Bins& bins, int d, double x) {
  constexpr double kTurn = 6.283185307179586477;
  const double no_number = x - x;
  if (!(no_number == 0)) return {0, 0, no_number};
  const Place at = Locate{bins.n[d] / kTurn, bins.n[d], bins.width}(x);
  const int start = at.start >= 0 && at.start < bins.n[d] ? static_cast<int>(at.start) : 0;
  return {start / bins.edge, start % bins.edge, at.y};
}

/// keys[p] = the bin of point p, order[p] = p.
template <class Real>
struct FindBins {
  Bins bins;
  View<const Real, 2> x;  ///< [P, 3]
  std::uint32_t* keys;
  std::uint32_t* order;

  UNFOLD_HD void operator()(Index p) const {
    int at[3];
    for (int d = 0; d < 3; ++d) {
      at[d] = place_in_bins(bins, d, static_cast<double>(x.data[3 * p + d])).bin;
    }
    keys[p] = static_cast<std::uint32_t>(bins.bin(at[0], at[1], at[2]));
    order[p] = static_cast<std::uint32_t>(p);
  }
};

/// points[i] = the order[i]-th point.
template <class Real>
struct PlacePoints {
  Bins bins;
  View<const Real, 2> x;  ///< [P, 3]
  const std::uint32_t* order;
  Placed<Real>* points;

  UNFOLD_HD void operator()(Index i) const {
    Placed<Real> out;
    out.start = 0;
    for (int d = 0; d < 3; ++d) {
      const BinPlace at =
          place_in_bins(bins, d, static_cast<double>(x.data[3 * static_cast<Index>(order[i]) + d]));
      out.y[d] = static_cast<Real>(at.y);
      out.start = out.start << 5 | static_cast<std::uint32_t>(at.local);
    }
    points[i] = out;
  }
};

/// starts[b] = how many points lie in bins before b, b = 0 .. bins; for i = 0 .. P.
struct FindStarts {
  const std::uint32_t* keys;  ///< [P] sorted
  Index points;
  int bins;
  std::uint32_t* starts;

  UNFOLD_HD void operator()(Index i) const {
    const int first = i == 0 ? 0 : static_cast<int>(keys[i - 1]) + 1;
    const int last = i == points ? bins : static_cast<int>(keys[i]);
    for (int b = first; b <= last; ++b) starts[b] = static_cast<std::uint32_t>(i);
  }
};

}  // namespace unfold::nufft
