#pragma once

#include "workers/nufft/device/bins.h"

/// Between modes and the transformed fine grid, one mode or cell one thread.
namespace unfold::nufft {

/// Where modes lie: M an axis, k from -(M / 2), on a grid of n, whose last axis a real grid's
/// transform keeps `columns` of.
template <class Real>
struct ModeMap {
  int modes[3], n[3];
  int columns;
  const Real* correction[3];  ///< [M / 2 * 2 + 1] of k = -(M / 2) ..

  UNFOLD_HD Index size() const { return static_cast<Index>(modes[0]) * modes[1] * modes[2]; }
  UNFOLD_HD Index cells() const { return static_cast<Index>(n[0]) * n[1] * columns; }

  UNFOLD_HD void mode(Index i, int* k) const {
    k[2] = static_cast<int>(i % modes[2]) - modes[2] / 2;
    k[1] = static_cast<int>(i / modes[2] % modes[1]) - modes[1] / 2;
    k[0] = static_cast<int>(i / modes[2] / modes[1]) - modes[0] / 2;
  }
  /// The mode that has cell i, of either sign.
  UNFOLD_HD void mode_of_cell(Index i, int* k) const {
    const Index at[] = {i / columns / n[1], i / columns % n[1], i % columns};
    for (int d = 0; d < 3; ++d) {
      const int l = static_cast<int>(at[d]);
      k[d] = 2 * l < n[d] ? l : l - n[d];
    }
  }
  UNFOLD_HD Index cell(const int* k) const {
    Index out = k[0] < 0 ? k[0] + n[0] : k[0];
    out = out * n[1] + (k[1] < 0 ? k[1] + n[1] : k[1]);
    return out * columns + (k[2] < 0 ? k[2] + n[2] : k[2]);
  }
  UNFOLD_HD bool is_mode(const int* k) const {
    bool is = true;
    for (int d = 0; d < 3; ++d) is = is && k[d] >= -(modes[d] / 2) && k[d] < (modes[d] + 1) / 2;
    return is;
  }
  UNFOLD_HD Index index(const int* k) const {
    return (static_cast<Index>(k[0] + modes[0] / 2) * modes[1] + k[1] + modes[1] / 2) * modes[2] +
           k[2] + modes[2] / 2;
  }
  UNFOLD_HD Real corrected(const int* k) const {
    Real out = 1;
    for (int d = 0; d < 3; ++d) out *= correction[d][k[d] + modes[d] / 2];
    return out;
  }
};

/// f[k] = correction[k] fine[k].
template <class Real>
struct TakeModes {
  ModeMap<Real> map;
  const Cell<Real, 2>* fine;
  Cell<Real, 2>* f;

  UNFOLD_HD void operator()(Index i) const {
    int k[3];
    map.mode(i, k);
    const Real factor = map.corrected(k);
    const Cell<Real, 2> at = fine[map.cell(k)];
    f[i] = {{factor * at.part[0], factor * at.part[1]}};
  }
};

/// The real parts, from the half of a real grid's transform.
template <class Real>
struct TakeCosines {
  ModeMap<Real> map;
  const Cell<Real, 2>* half;
  Real* f;

  UNFOLD_HD void operator()(Index i) const {
    int k[3];
    map.mode(i, k);
    const Real factor = map.corrected(k);
    if (k[2] < 0) {
      for (int d = 0; d < 3; ++d) k[d] = -k[d];
    }
    f[i] = factor * half[map.cell(k)].part[0];
  }
};

/// fine = correction f at the modes' cells, 0 elsewhere.
template <class Real>
struct PutModes {
  ModeMap<Real> map;
  const Cell<Real, 2>* f;
  Cell<Real, 2>* fine;

  UNFOLD_HD void operator()(Index i) const {
    int k[3];
    map.mode_of_cell(i, k);
    Cell<Real, 2> out{};
    if (map.is_mode(k)) {
      const Cell<Real, 2> at = f[map.index(k)];
      const Real factor = map.corrected(k);
      out = {{factor * at.part[0], factor * at.part[1]}};
    }
    fine[i] = out;
  }
};

/// half = correction times the even part of f, which is all that a cosine sees.
template <class Real>
struct PutCosines {
  ModeMap<Real> map;
  const Real* f;
  Cell<Real, 2>* half;

  UNFOLD_HD void operator()(Index i) const {
    int k[3];
    map.mode_of_cell(i, k);
    const int other[] = {-k[0], -k[1], -k[2]};
    const bool here = map.is_mode(k), there = map.is_mode(other);
    const Real value = (here ? f[map.index(k)] : Real(0)) + (there ? f[map.index(other)] : Real(0));
    half[i] = {{here || there ? value * map.corrected(k) / 2 : Real(0), 0}};
  }
};

}  // namespace unfold::nufft
