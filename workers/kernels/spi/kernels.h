#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops of single-particle matching, built once per instruction set and chosen at start.
/// Plain pointers and sizes cross this border, because the objects behind it may share no inline
/// function with the rest of the program. Nothing is allocated.
namespace unfold::spi {

using Size = std::ptrdiff_t;

/// Which terms are summed (score_terms.inl.h).
enum class TermKind { kPoisson, kBackground, kSqrt, kEuclid };
inline constexpr int kTermKinds = 4;

/// A slice and what it is read with.
struct SliceTask {
  Size size;
  const float* model;       ///< [size], not clipped
  const float* background;  ///< [size]; kBackground only
  float floor;
  float fluence;  ///< kBackground only
};

/// A frame at the same pixels: all values, or those that are not 0 with their places.
struct FrameTask {
  const float* value;
  const std::uint32_t* pixel;
  Size listed;
};

struct TermSums {
  double fit;    ///< sum of value x term.fit
  double total;  ///< sum of term.total over all pixels
};

/// Terms in float, sums in double in a fixed order.
struct TermKernels {
  TermSums (*dense)(const SliceTask&, const float* value);
  double (*fit)(const SliceTask&, const float* value);   ///< of dense
  double (*listed)(const SliceTask&, const FrameTask&);  ///< fit
  double (*total)(const SliceTask&);
  void (*terms)(const SliceTask&, float* out);  ///< out [size] = term.fit
};

/// Frames against references, kept as panels: `rows` frames, or `columns` references, side by side
/// at each pixel. A block of results is [row panels][column panels][rows][columns].
struct ProductTask {
  Size depth;  ///< pixels summed here
  Size row_panels;
  Size column_panels;
  const float* a;  ///< row panels, each [depth, rows]
  Size a_stride;   ///< from panel to panel
  const float* b;  ///< column panels, each [depth, columns]; 64-byte aligned
  Size b_stride;
  float* c;  ///< [row_panels, column_panels, rows, columns], 64-byte aligned
  bool add;  ///< to c, or overwrite it
};

/// One frame's values that are not 0 against one column panel: c [columns] is overwritten.
struct GatherTask {
  FrameTask frame;
  const float* b;
  float* c;
};

/// Which results of one [rows, columns] tile exceed their row's threshold.
struct SelectTask {
  const float* c;          ///< c and bias: 64-byte aligned
  const float* bias;       ///< [columns]
  const float* factor;     ///< [rows]; result = c + factor x bias
  const float* threshold;  ///< [rows]
};
struct Hit {
  float score;
  std::int32_t row;
  std::int32_t column;
};

struct ProductKernels {
  Size rows;
  Size columns;
  void (*multiply)(const ProductTask&);
  void (*gather)(const GatherTask&);
  /// Returns how many; hits has room for rows x columns.
  Size (*select)(const SelectTask&, Hit* hits);
};

/// A slice of a fine grid of cells, centred at `middle` on each axis.
struct QuickTask {
  Size size;          ///< at least 16
  const float* axes;  ///< [3, size] radians
  float rotation[9];  ///< R [3, 3] row-major times cells a radian; points are R^T axes
  float middle;
  const unsigned short* grid;  ///< the upper halves of floats
  int row;                     ///< cells from one row to the next
  int plane;
  const float* correction;  ///< [size]
  float* out;               ///< [size] overwritten
};

struct KernelTable {
  TermKernels terms[kTermKinds];
  ProductKernels product;
  void (*quick)(const QuickTask&);
};

}  // namespace unfold::spi
