#pragma once

#include <math.h>

#include <cmath>
#include <cstdint>

#include "workers/compute/accelerator.h"
#include "workers/compute/block.h"
#include "workers/kernels/spi/device/frames.h"
#include "workers/kernels/spi/score_terms.h"

/// Slices to what frames are scored with, on a device.
namespace unfold::spi {

/// A pixel's part of a score, of whichever kind.
struct AnyTerm {
  TermKind kind;
  float floor;

  UNFOLD_HD Term operator()(float m, float background, float fluence) const {
    switch (kind) {
      case TermKind::kPoisson:
        return PoissonTerm{floor}(m, 0);
      case TermKind::kBackground:
        return BackgroundTerm{floor, fluence}(m, background);
      case TermKind::kSqrt:
        return SqrtTerm()(m, 0);
      case TermKind::kEuclid:
        break;
    }
    return EuclidTerm()(m, 0);
  }
};

/// Slices [J, P'] as they are read: with a background as they are, else the terms' fit.
struct SliceTable {
  float* value = nullptr;
  double* total = nullptr;  ///< [J] sums of the terms' total
};

/// Sums up each slice, and turns it into its terms where these hang on no frame.
struct SumTerms {
  static constexpr int kThreads = 128;
  AnyTerm term;
  SliceTable slices;
  Index count, size;

  Index blocks() const { return count; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Index j = block.index();
    float* slice = slices.value + j * size;
    auto total = block.template per_thread<double>();
    block.each_thread([&](int t) { total(t) = 0; });
    block.for_each(size, [&](Index p, int t) {
      const Term one = term(slice[p], 0, 1);
      total(t) += static_cast<double>(one.total);
      if (term.kind != TermKind::kBackground) slice[p] = one.fit;
    });
    const double all = block.sum(total);
    block.each_thread([&](int t) {
      if (t == 0) slices.total[j] = all;
    });
  }
};

/// Scores as scalar products (ScreenForm of reference_panels.h), for frames of like fluence.
struct EntryForm {
  AnyTerm term;
  const float* background = nullptr;
  bool profiled = false;
  double fluence = 1;
  double scale = 0;  ///< euclid

  /// What a slice's entries share.
  struct OfSlice {
    float shift = 0;   ///< subtracted
    float factor = 1;  ///< multiplied by; with a background: m's
    float bias = 0;
  };
  UNFOLD_HD OfSlice of_slice(double total) const {
    switch (term.kind) {
      case TermKind::kPoisson:
        return {static_cast<float>(::log(total)), 1, 0};
      case TermKind::kBackground:
        return {0, static_cast<float>(profiled ? fluence / total : fluence),
                profiled ? 0.0f : static_cast<float>(-total)};
      case TermKind::kSqrt:
        return {0, static_cast<float>(total > 0 ? 1 / ::sqrt(total) : 0), 0};
      case TermKind::kEuclid:
        break;
    }
    return {0, static_cast<float>(2 * scale), static_cast<float>(-scale * scale * total)};
  }
  /// Of a pixel, not centred; `value` from a SliceTable.
  UNFOLD_HD float operator()(const OfSlice& slice, float value, Index p) const {
    if (term.kind == TermKind::kBackground) return term(value, background[p], slice.factor).fit;
    return value * slice.factor - slice.shift;
  }
};

/// Means of entries over some slices: centre [P' + 1], the last one of their biases.
struct CentreEntries {
  EntryForm form;
  SliceTable typical;
  Index count, size;
  float* centre;

  UNFOLD_HD void operator()(Index p) const {
    double sum = 0;
    for (Index j = 0; j < count; ++j) {
      const EntryForm::OfSlice slice = form.of_slice(typical.total[j]);
      sum +=
          static_cast<double>(p < size ? form(slice, typical.value[j * size + p], p) : slice.bias);
    }
    centre[p] = static_cast<float>(sum / static_cast<double>(count));
  }
};

/// Entries less their centre in 16 bits: out [J, depth], zeros beyond P'.
struct PackEntries {
  static constexpr int kThreads = 128;
  EntryForm form;
  SliceTable slices;
  const float* centre;  ///< [P' + 1]
  float entry_scale;
  Index count, size, depth;
  std::uint16_t* out;
  float* bias;  ///< [J]

  Index blocks() const { return count; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Index j = block.index();
    const EntryForm::OfSlice slice = form.of_slice(slices.total[j]);
    const float* from = slices.value + j * size;
    block.for_each(depth, [&](Index p) {
      out[j * depth + p] = p < size ? half_of(entry_scale * (form(slice, from[p], p) - centre[p]))
                                    : std::uint16_t{0};
    });
    block.each_thread([&](int t) {
      if (t == 0) bias[j] = slice.bias - centre[size];
    });
  }
};

/// A frame's score of a slice from the sum over its values, in double.
struct ExactScore {
  TermKind kind;
  bool profiled;
  double scale;

  UNFOLD_HD double operator()(double fit, double total, const FrameSum& frame,
                              double fluence) const {
    switch (kind) {
      case TermKind::kPoisson:
        return PoissonScore()(fit, total, frame.photons);
      case TermKind::kBackground:
        return BackgroundScore()(fit, profiled ? 1 : total, fluence);
      case TermKind::kSqrt:
        return SqrtScore()(fit, total);
      case TermKind::kEuclid:
        break;
    }
    return EuclidScore{scale}(fit, total, frame.square);
  }
};

}  // namespace unfold::spi
