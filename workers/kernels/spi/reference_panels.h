#pragma once

#include <span>
#include <vector>

#include "workers/kernels/spi/floats.h"
#include "workers/kernels/spi/scoring.h"

namespace unfold::spi {

/// A score as a scalar product: for frames whose fluence is near `fluence`,
///   S = sum_p value_p entry_p + factor x bias + what is the same for all references.
/// entries are centred: less, at each pixel, their mean over the model's typical slices, which no
/// comparison of references sees and which single precision is thankful for.
class ScreenForm {
 public:
  ScreenForm(const Scoring& scoring, double fluence);

  /// out [P']; `total` is the slice's. Returns its bias.
  float entries(const float* model, double total, float* out) const;
  float factor(const ScoredFrame& frame) const;

 private:
  /// Not centred.
  float raw_entries(const float* model, double total, float* out) const;

  const Scoring* scoring_;
  double fluence_;
  std::vector<float> centre_;  ///< [P']
  float mean_bias_ = 0;
};

/// A block of references: slices as they are, for exact scores, and the panels that frames are
/// multiplied with.
class ReferencePanels {
 public:
  /// Room for `most` references.
  ReferencePanels(compute::Cpu& cpu, const Slicer& slicer, const Scoring& scoring,
                  const ProductKernels& kernels, Index most);

  void load(std::span<const Quaternion> references);
  void set_form(const ScreenForm& form);

  Index count() const { return count_; }
  Index panels() const { return (count_ + columns_ - 1) / columns_; }
  const float* slice(Index j) const { return slices_.data() + j * size_; }
  double total(Index j) const { return totals_[static_cast<std::size_t>(j)]; }
  /// Panel k is [P', columns], stride() from panel to panel.
  const float* panel(Index k) const { return panels_.data() + k * stride(); }
  Index stride() const { return size_ * columns_; }
  const float* bias(Index k) const { return biases_.data() + k * columns_; }

 private:
  void fill_panel(const ScreenForm& form, Index panel);

  compute::Cpu* cpu_;
  const Slicer* slicer_;
  const Scoring* scoring_;
  Index size_;
  Index columns_;
  Index count_ = 0;
  Floats slices_;
  Floats panels_;
  Floats biases_;
  std::vector<double> totals_;
};

}  // namespace unfold::spi
