#include "workers/kernels/spi/scoring.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/kernels/spi/score_terms.h"

namespace unfold::spi {
namespace {

TermKind kind_of(const MatchOptions& options) {
  switch (options.metric) {
    case Metric::kSqrt:
      return TermKind::kSqrt;
    case Metric::kEuclid:
      return TermKind::kEuclid;
    case Metric::kPoisson:
      break;
  }
  return options.background.empty() ? TermKind::kPoisson : TermKind::kBackground;
}

/// Mean and mean square, added to in order.
struct Moments {
  double count = 0, sum = 0, square = 0;
  void add(double x) { count += 1, sum += x, square += x * x; }
  double deviation() const {
    const double mean = sum / count;
    return std::sqrt(std::max(0.0, square / count - mean * mean));
  }
};

void check(const PatternSet& frames, const Slicer& slicer, const MatchOptions& options) {
  if (frames.pixels() != slicer.detector().pixels())
    throw std::invalid_argument("frames and detector differ in their number of pixels");
  if (options.top < 1 || options.top > 16)
    throw std::invalid_argument("between 1 and 16 candidates can be kept a frame");
  if (options.background.empty()) return;
  if (options.metric != Metric::kPoisson)
    throw std::invalid_argument(
        "only the Poisson score knows a background (choose metric poisson or drop it)");
  const auto fluences = static_cast<Index>(options.fluence.size());
  if (static_cast<Index>(options.background.size()) != frames.pixels() ||
      (fluences != 0 && fluences != frames.frames()))
    throw std::invalid_argument(
        "a background needs one value a pixel, and fluences are of all frames or none");
}

}  // namespace

Index kept_of(const Scoring& scoring, const MatchOptions& options) {
  return options.top + (scoring.kind() == TermKind::kBackground ? 12 : 3);
}

Scoring::Scoring(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                 const MatchOptions& options)
    : kind_(kind_of(options)),
      choice_(slicer.choose(matching_pixels(slicer.detector(), options.qlimit))),
      fluence_(options.fluence),
      kernels_(&spi::kernels(options.isa).terms[static_cast<int>(kind_)]),
      scale_(options.euclid_scale) {
  check(frames, slicer, options);
  if (choice_.size() == 0)
    throw std::invalid_argument(
        "no pixel can be matched (all are masked, or none lies within the limit in q)");
  if (!options.background.empty())
    for (const std::uint32_t p : choice_.pixel) background_.push_back(options.background[p]);
  for (const float b : background_) dark_ += double{b};
  find_scales(cpu, frames, slicer);
}

void Scoring::find_scales(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer) {
  typical_.resize(static_cast<std::size_t>(kTypicalSlices * size()));
  slicer.slices(reference_rotations(kTypicalSlices, {1, 0, 0, 0}), choice_,
                View<float, 2>(typical_.data(), kTypicalSlices, size()));
  const float largest = *std::max_element(typical_.begin(), typical_.end());
  floor_ = std::max(kModelFloor * largest, 1e-30f);
  if (kind_ != TermKind::kEuclid || scale_ > 0) return;
  Moments model;
  for (const float m : typical_) model.add(m);
  std::vector<Moments> of_frame(static_cast<std::size_t>(frames.frames()));
  cpu.parallel_for(frames.frames(), [&](Index i) {
    std::vector<float> row;
    ScoredFrame frame;
    read(frames, i, row, frame);
    Moments& m = of_frame[static_cast<std::size_t>(i)];
    m = {static_cast<double>(size()), frame.photons, frame.square};
  });
  Moments data;
  for (const Moments& m : of_frame)
    data.count += m.count, data.sum += m.sum, data.square += m.square;
  scale_ = model.deviation() > 0 ? data.deviation() / model.deviation() : 1;
}

SliceTask Scoring::task(const float* model, double total, double fluence) const {
  const double factor = profiled() ? fluence / total : fluence;
  return {size(), model, background_.data(), floor_, static_cast<float>(factor)};
}

void Scoring::read_all(const PatternSet& frames, Index index, std::vector<float>& row,
                       ScoredFrame& out) const {
  row.resize(static_cast<std::size_t>(frames.pixels()));
  frames.rows(index, 1, View<float, 2>(row.data(), 1, frames.pixels()));
  out.fluence = fluence_.empty() ? 1 : fluence_[static_cast<std::size_t>(index)];
  out.listed = false;
  out.pixel.clear();
  out.photons = out.square = 0;
  out.value.resize(choice_.pixel.size());
  for (std::size_t p = 0; p < choice_.pixel.size(); ++p) {
    const float k = row[choice_.pixel[p]];
    out.photons += k;
    out.square += static_cast<double>(k) * k;
    out.value[p] = kind_ == TermKind::kSqrt ? std::sqrt(k) : k;
  }
  if (profiled()) out.fluence = std::max({out.photons - dark_, 1e-3 * out.photons, 1e-30});
}

void Scoring::read(const PatternSet& frames, Index index, std::vector<float>& row,
                   ScoredFrame& out) const {
  read_all(frames, index, row, out);
  const auto zeros = std::count(out.value.begin(), out.value.end(), 0.0f);
  if (size() - zeros > longest_list()) return;
  out.listed = true;
  for (std::size_t p = 0; p < choice_.pixel.size(); ++p) {
    if (out.value[p] == 0) continue;
    out.value[out.pixel.size()] = out.value[p];
    out.pixel.push_back(static_cast<std::uint32_t>(p));
  }
  out.value.resize(out.pixel.size());
}

float Scoring::score(const float* model, const ScoredFrame& frame) const {
  if (frame.listed || profiled()) return score(model, total(model), frame);
  return static_cast<float>(
      score_of(kernels_->dense(task(model, 1, frame.fluence), frame.value.data()), frame));
}

float Scoring::score(const float* model, double total, const ScoredFrame& frame) const {
  const SliceTask slice = task(model, total, frame.fluence);
  const double fit = frame.listed ? kernels_->listed(slice, {frame.value.data(), frame.pixel.data(),
                                                             static_cast<Size>(frame.value.size())})
                                  : kernels_->fit(slice, frame.value.data());
  return static_cast<float>(score_of({fit, total}, frame));
}

double Scoring::score_of(const TermSums& sums, const ScoredFrame& frame) const {
  switch (kind_) {
    case TermKind::kPoisson:
      return PoissonScore()(sums.fit, sums.total, frame.photons);
    case TermKind::kBackground:
      return BackgroundScore()(sums.fit, profiled() ? 1 : sums.total, frame.fluence);
    case TermKind::kSqrt:
      return SqrtScore()(sums.fit, sums.total);
    case TermKind::kEuclid:
      break;
  }
  return EuclidScore{scale_}(sums.fit, sums.total, frame.square);
}

}  // namespace unfold::spi
