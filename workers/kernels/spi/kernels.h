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

/// Floats of a pixel's term, sums in double in a fixed order.
struct TermKernels {
  TermSums (*dense)(const SliceTask&, const float* value);
  TermSums (*listed)(const SliceTask&, const FrameTask&);
  /// out [size] = term.fit; returns the sum of term.total.
  double (*terms)(const SliceTask&, float* out);
};

struct KernelTable {
  TermKernels terms[kTermKinds];
};

}  // namespace unfold::spi
