#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops of the operators, built once per instruction set and chosen at start. Plain
/// pointers and sizes cross this border, because the objects behind it may share no inline function
/// with the rest of the program. Nothing is allocated.
///
/// A response is a set of rows, one a data bin: row[k] >= 0 over instrument directions (factored)
/// or sky pixels (dense). Rows are padded with zeros to a multiple of kRowPad elements.
namespace unfold::imaging {

using Size = std::ptrdiff_t;

inline constexpr int kRowPad = 16;
/// Rows are met kBlock at a time: read once from far, used twice from near.
inline constexpr int kBlock = 8;
/// Replicates side by side in batched passes.
inline constexpr int kLanes = 16;

/// How elements are stored. kF64 is computed in double, the others in float.
enum class Element { kF64, kF32, kF16, kU8, kU16, kU32 };
inline constexpr int kElements = 6;

/// Where one pointing sees the sky: pixel << 16 | direction, pixels counted from `image`.
struct Lookups {
  const std::uint32_t* entry;
  const float* weight;  ///< or null: 1
  Size size;
  double live_time;
};

template <class Real>
struct Kernels {
  /// out[i] = sum_k row[i][k] w[k], i < kBlock.
  void (*dot[kElements])(const void* const* row, Size n, const Real* w, Real* out);
  /// sum[k] += sum_i coefficient[i] row[i][k].
  void (*accumulate[kElements])(const void* const* row, Size n, const Real* coefficient, Real* sum);
  /// unpacked [kBlock, n]; no-op where the element is a Real.
  void (*unpack[kElements])(const void* const* row, Size n, Real* unpacked);
  /// The same with kLanes of everything but rows: w [n, kLanes], out [kBlock, kLanes],
  /// coefficient [kBlock, kLanes], sum [n, kLanes].
  void (*dot_lanes)(const Real* const* row, Size n, const Real* w, Real* out);
  void (*accumulate_lanes)(const Real* const* row, Size n, const Real* coefficient, Real* sum);
  /// w[k] += live_time weight image[p] over the entries; [.., kLanes] for lanes.
  void (*spread)(const Lookups&, const Real* image, Real* w);
  void (*spread_lanes)(const Lookups&, const Real* image, Real* w);
  /// image[p] += live_time weight sum[k] over the entries.
  void (*gather)(const Lookups&, const Real* sum, Real* image);
  void (*gather_lanes)(const Lookups&, const Real* sum, Real* image);
  /// values[k] *= unit[k]; [n, kLanes] for lanes.
  void (*multiply)(const Real* unit, Size n, Real* values);
  void (*multiply_lanes)(const Real* unit, Size n, Real* values);
};

/// The E-step at `size` events (a multiple of 8).
struct RatioTask {
  Size size;
  Size lanes;           ///< 8 or kLanes: entry i belongs to log_sum[i % lanes]
  const double* model;  ///< m
  const double* counts;
  double limit;      ///< larger ratios are cut here, so that products stay finite
  double* ratio;     ///< y / m, 0 where m <= 0; overwritten
  double* log_sum;   ///< [lanes] added to: y ln m where m > 0
  Size* impossible;  ///< added to: entries with y > 0 and m <= 0
};

struct KernelTable {
  Kernels<double> f64;
  Kernels<float> f32;
  void (*ratios)(const RatioTask&);
};

}  // namespace unfold::imaging
