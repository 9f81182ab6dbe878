#include "workers/kernels/spi/patterns.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace unfold::spi {
namespace {

void require(bool right, const char* problem) {
  if (!right) throw std::invalid_argument(problem);
}

/// Frames of `from` laid out one after the other.
template <class T>
std::vector<T> gathered(const std::vector<T>& from, std::span<const Index> frames, Index pixels) {
  std::vector<T> to;
  if (from.empty()) return to;
  to.reserve(frames.size() * static_cast<std::size_t>(pixels));
  for (const Index frame : frames) {
    const auto first = from.begin() + frame * pixels;
    to.insert(to.end(), first, first + pixels);
  }
  return to;
}

}  // namespace

PatternSet PatternSet::dense(Index frames, Index pixels, std::vector<float> values) {
  require(static_cast<Index>(values.size()) == frames * pixels,
          "dense frames do not fill their shape (values are not frames x pixels)");
  PatternSet set(frames, pixels);
  set.values_ = std::move(values);
  return set;
}

PatternSet PatternSet::dense(Index frames, Index pixels, std::vector<std::uint16_t> values) {
  require(static_cast<Index>(values.size()) == frames * pixels,
          "dense frames do not fill their shape (values are not frames x pixels)");
  PatternSet set(frames, pixels);
  set.counts_ = std::move(values);
  return set;
}

PatternSet PatternSet::sparse(Index pixels, std::vector<Index> first,
                              std::vector<std::uint32_t> pixel, std::vector<float> count) {
  require(!first.empty() && first.front() == 0 &&
              first.back() == static_cast<Index>(pixel.size()) &&
              std::is_sorted(first.begin(), first.end()) && pixel.size() == count.size(),
          "sparse frames contradict themselves (offsets do not span the photons)");
  require(std::all_of(pixel.begin(), pixel.end(),
                      [&](std::uint32_t p) { return static_cast<Index>(p) < pixels; }),
          "a photon lies outside the detector (pixel index too large)");
  PatternSet set(static_cast<Index>(first.size()) - 1, pixels);
  set.first_ = std::move(first);
  set.pixel_ = std::move(pixel);
  set.count_ = std::move(count);
  return set;
}

std::int64_t PatternSet::bytes() const {
  return static_cast<std::int64_t>(
      values_.size() * sizeof(float) + counts_.size() * sizeof(std::uint16_t) +
      first_.size() * sizeof(Index) + pixel_.size() * sizeof(std::uint32_t) +
      count_.size() * sizeof(float));
}

void PatternSet::row(Index frame, float* out) const {
  if (is_sparse()) {
    std::fill_n(out, pixels_, 0.0f);
    const Photons seen = photons(frame);
    for (std::size_t k = 0; k < seen.pixel.size(); ++k) out[seen.pixel[k]] += seen.count[k];
  } else if (!counts_.empty()) {
    std::copy_n(counts_.begin() + frame * pixels_, pixels_, out);
  } else {
    std::copy_n(values_.begin() + frame * pixels_, pixels_, out);
  }
}

void PatternSet::rows(Index first, Index count, View<float, 2> out) const {
  for (Index i = 0; i < count; ++i) row(first + i, out.data + i * pixels_);
}

void PatternSet::rows(std::span<const Index> frames, View<float, 2> out) const {
  float* to = out.data;
  for (const Index frame : frames) {
    row(frame, to);
    to += pixels_;
  }
}

PatternSet::Photons PatternSet::photons(Index frame) const {
  const auto i = static_cast<std::size_t>(frame);
  const auto first = static_cast<std::size_t>(first_[i]);
  const auto size = static_cast<std::size_t>(first_[i + 1]) - first;
  return {std::span(pixel_).subspan(first, size), std::span(count_).subspan(first, size)};
}

double PatternSet::total(Index frame, std::span<const std::uint8_t> chosen) const {
  double sum = 0;
  if (is_sparse()) {
    const Photons seen = photons(frame);
    for (std::size_t k = 0; k < seen.pixel.size(); ++k)
      if (chosen[seen.pixel[k]] != 0) sum += seen.count[k];
    return sum;
  }
  const auto row = static_cast<std::size_t>(frame * pixels_);
  for (std::size_t p = 0; p < chosen.size(); ++p)
    if (chosen[p] != 0) sum += counts_.empty() ? values_[row + p] : counts_[row + p];
  return sum;
}

PatternSet PatternSet::subset(std::span<const Index> frames) const {
  PatternSet set(static_cast<Index>(frames.size()), pixels_);
  set.origin_ = taken_.empty() ? identity_ : origin_;
  for (const Index frame : frames) {
    set.taken_.push_back(taken_.empty() ? frame : taken_[static_cast<std::size_t>(frame)]);
  }
  set.values_ = gathered(values_, frames, pixels_);
  set.counts_ = gathered(counts_, frames, pixels_);
  if (!is_sparse()) return set;
  set.first_.push_back(0);
  for (const Index frame : frames) {
    const Photons seen = photons(frame);
    set.pixel_.insert(set.pixel_.end(), seen.pixel.begin(), seen.pixel.end());
    set.count_.insert(set.count_.end(), seen.count.begin(), seen.count.end());
    set.first_.push_back(static_cast<Index>(set.pixel_.size()));
  }
  return set;
}

PatternSet PatternSet::to_sparse() const {
  if (is_sparse()) return *this;
  PatternSet set(frames_, pixels_);
  set.first_.push_back(0);
  std::vector<float> values(static_cast<std::size_t>(pixels_));
  for (Index frame = 0; frame < frames_; ++frame) {
    row(frame, values.data());
    for (std::size_t p = 0; p < values.size(); ++p) {
      if (values[p] == 0) continue;
      set.pixel_.push_back(static_cast<std::uint32_t>(p));
      set.count_.push_back(values[p]);
    }
    set.first_.push_back(static_cast<Index>(set.pixel_.size()));
  }
  return set;
}

}  // namespace unfold::spi
