#pragma once

#include <cstdint>

#include "workers/compute/view.h"
#include "workers/kernels/imaging/device/elements.h"

/// What the kernels of the list operators read, on the device.
namespace unfold::imaging {

using compute::Index;

/// Rows of a response over the columns [first, first + length) that are not empty: instrument
/// directions (factored: the same rows at all times) or sky pixels (dense).
template <class Stored>
struct RowsView {
  const Stored* data;
  Index times, bins;
  Index columns;        ///< with the empty ones
  int first, length;    ///< length: a multiple of 16
  const double* scale;  ///< [times, columns] what a unit of the element is worth, or null: 1

  UNFOLD_HD int fours() const { return length / 4; }
  UNFOLD_HD const Four<Stored>* row(Index t, Index d) const {
    const Index at = (times == 1 ? 0 : t) * bins + d;
    return reinterpret_cast<const Four<Stored>*>(data + at * length);
  }
  UNFOLD_HD double unit(Index t, Index column) const {
    if (scale == nullptr) return 1;
    return scale[(times == 1 ? 0 : t) * columns + column];
  }
};

/// Lists of (other << 16 | part of the time bin), those of key i of time bin t at begin[t * keys +
/// i].
struct LookupView {
  const std::int32_t* begin;
  const std::uint32_t* entry;
  const float* weight;  ///< or null: 1
};

/// S_t[p, k] = sum over t's parts of live_time weight, by direction and by pixel.
struct AttitudeView {
  LookupView of_direction;          ///< other: pixel - first_pixel of the part
  LookupView of_pixel;              ///< other: direction
  const std::int32_t* part_begin;   ///< [T+1]
  const double* live_time;          ///< [parts] s
  const std::int32_t* first_pixel;  ///< [parts]
  Index directions, pixels;
};

struct ListView {
  const std::int32_t* bin;  ///< [N]
  Index events;
  int components, groups;
  const std::int32_t* group;  ///< [T]
  const double* at_events;    ///< [C, N] counts per unit amplitude
};

/// Events begin .. end of time bin `time`.
struct PieceOf {
  std::int32_t time, begin, end;
};

struct CutView {
  const PieceOf* pieces;
  const std::int32_t* run;  ///< [runs + 1] first piece of each
  int n_pieces, n_runs;
};

}  // namespace unfold::imaging
