#include "workers/kernels/spi/reference_panels.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace unfold::spi {
namespace {

/// References in an order in which each slice lies near the one before it, so that what is read of
/// the grid is still in a near cache: bands of equal height of the beam's direction seen from the
/// volume (and the opposite one: slices are nearly planes), each walked around, to and fro.
std::vector<Index> neighbours_first(std::span<const Quaternion> references) {
  struct Place {
    double band, around;
    Index reference;
  };
  std::vector<Place> places;
  const double bands = std::ceil(std::sqrt(static_cast<double>(references.size()) / 6));
  for (const Quaternion& reference : references) {
    const Matrix3 matrix = matrix_of(reference);
    const double side = matrix[8] < 0 ? -1 : 1;
    const double band = std::floor(side * matrix[8] * bands);
    const double angle = std::atan2(side * matrix[7], side * matrix[6]);
    places.push_back(
        {band, std::fmod(band, 2) == 0 ? angle : -angle, static_cast<Index>(places.size())});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.band, a.around, a.reference) < std::tie(b.band, b.around, b.reference);
  });
  std::vector<Index> order;
  for (const Place& place : places) order.push_back(place.reference);
  return order;
}

}  // namespace

ScreenForm::ScreenForm(const Scoring& scoring, double fluence)
    : scoring_(&scoring), fluence_(fluence) {
  const auto size = static_cast<std::size_t>(scoring.size());
  std::vector<double> sum(size);
  std::vector<float> one(size);
  double bias = 0;
  for (Index j = 0; j < kTypicalSlices; ++j) {
    const float* model = scoring.typical().data() + j * scoring.size();
    bias += raw_entries(model, scoring.total(model), one.data());
    for (std::size_t p = 0; p < size; ++p) sum[p] += one[p];
  }
  mean_bias_ = static_cast<float>(bias / kTypicalSlices);
  for (const double s : sum) centre_.push_back(static_cast<float>(s / kTypicalSlices));
}

float ScreenForm::raw_entries(const float* model, double total, float* out) const {
  scoring_->kernels().terms(scoring_->task(model, total, fluence_), out);
  const Index size = scoring_->size();
  switch (scoring_->kind()) {
    case TermKind::kPoisson: {
      const auto shift = static_cast<float>(std::log(total));
      for (Index p = 0; p < size; ++p) out[p] -= shift;
      return 0;
    }
    case TermKind::kBackground:
      return scoring_->profiled() ? 0.0f : static_cast<float>(-total);
    case TermKind::kSqrt: {
      const auto scale = static_cast<float>(total > 0 ? 1 / std::sqrt(total) : 0);
      for (Index p = 0; p < size; ++p) out[p] *= scale;
      return 0;
    }
    case TermKind::kEuclid:
      break;
  }
  const double scale = scoring_->euclid_scale();
  for (Index p = 0; p < size; ++p) out[p] *= static_cast<float>(2 * scale);
  return static_cast<float>(-scale * scale * total);
}

float ScreenForm::entries(const float* model, double total, float* out) const {
  const float bias = raw_entries(model, total, out) - mean_bias_;
  for (std::size_t p = 0; p < centre_.size(); ++p) out[p] -= centre_[p];
  return bias;
}

float ScreenForm::factor(const ScoredFrame& frame) const {
  return scoring_->kind() == TermKind::kBackground ? static_cast<float>(frame.fluence) : 1.0f;
}

ReferencePanels::ReferencePanels(compute::Cpu& cpu, const Slicer& slicer, const Scoring& scoring,
                                 const ProductKernels& kernels, Index most)
    : cpu_(&cpu),
      slicer_(&slicer),
      scoring_(&scoring),
      size_(scoring.size()),
      columns_(kernels.columns),
      slices_(cpu, most * size_),
      panels_(cpu, (most + columns_ - 1) / columns_ * columns_ * size_),
      biases_(cpu, (most + columns_ - 1) / columns_ * columns_),
      totals_(static_cast<std::size_t>(most)) {}

void ReferencePanels::load(std::span<const Quaternion> references) {
  count_ = static_cast<Index>(references.size());
  const std::vector<Index> order = neighbours_first(references);
  cpu_->parallel_for(count_, [&](Index place) {
    const Index j = order[static_cast<std::size_t>(place)];
    float* slice = slices_.data() + j * size_;
    slicer_->slice(references[static_cast<std::size_t>(j)], scoring_->choice(), slice);
    totals_[static_cast<std::size_t>(j)] = scoring_->total(slice);
  });
}

void ReferencePanels::set_form(const ScreenForm& form) {
  cpu_->parallel_for(panels(), [&](Index k) { fill_panel(form, k); });
}

void ReferencePanels::fill_panel(const ScreenForm& form, Index panel) {
  std::vector<float> entries(static_cast<std::size_t>(columns_ * size_), 0.0f);
  for (Index c = 0; c < columns_; ++c) {
    const Index j = panel * columns_ + c;
    biases_.data()[j] =
        j < count_ ? form.entries(slice(j), total(j), entries.data() + c * size_) : 0.0f;
  }
  float* out = panels_.data() + panel * stride();
  for (Index p = 0; p < size_; ++p)
    for (Index c = 0; c < columns_; ++c) *out++ = entries[static_cast<std::size_t>(c * size_ + p)];
}

}  // namespace unfold::spi
