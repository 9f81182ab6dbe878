#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "workers/kernels/spi/device/score.h"
#include "workers/kernels/spi/matching.h"

namespace unfold::spi {

/// A ScoreTask on a device: pixels, and what each frame adds up to over them.
template <compute::Accelerator D>
class ScoredPixels {
 public:
  ScoredPixels(D& device, const FrameSet<D>& frames, const ScoreTask& task)
      : task_(task),
        pixel_(device, task.size),
        position_(device, 3 * task.size),
        correction_(device, task.size),
        background_(device, task.background != nullptr ? task.size : 0),
        place_(device, frames.view().listed() ? frames.view().pixels : 0),
        sum_(device, frames.frames()),
        fluence_(device, task.kind == TermKind::kBackground ? frames.frames() : 0) {
    fill(pixel_, task.pixel);
    fill(position_, task.position);
    fill(correction_, task.correction);
    fill(background_, task.background);
    fill_places(device);
    launch(device, SumFrame{frames.view(), choice(), roots(), frames.frames(), data(sum_)});
    if (fluence_.size() > 0) fill_fluences();
  }

  Index size() const { return task_.size; }
  AnyTerm term() const { return {task_.kind, task_.floor}; }
  bool roots() const { return task_.kind == TermKind::kSqrt; }
  bool profiled() const { return task_.kind == TermKind::kBackground && task_.fluence == nullptr; }
  ChoiceView choice() {
    return {data(pixel_), place_.size() > 0 ? data(place_) : nullptr, task_.size};
  }
  const float* position() { return data(position_); }
  const float* correction() { return data(correction_); }
  const float* background() { return background_.size() > 0 ? data(background_) : nullptr; }
  const FrameSum* sums() { return data(sum_); }
  /// [N] that biases and exact scores take, on the device, or null: 1.
  const double* fluence() { return fluence_.size() > 0 ? data(fluence_) : nullptr; }
  /// The same on the host; empty: 1.
  const std::vector<double>& fluences() const { return fluences_; }
  EntryForm form(double fluence) {
    return {term(), background(), profiled(), fluence, task_.scale};
  }
  ExactScore score() const { return {task_.kind, profiled(), task_.scale}; }

  /// A power of two that brings entries to where 16 bits are finest, with room above.
  float entry_scale() const {
    if (task_.kind == TermKind::kSqrt) return 4096;  // entries are below 1
    if (task_.kind != TermKind::kEuclid) return 64;  // logarithms
    const double largest = 2 * task_.scale * static_cast<double>(task_.floor / kModelFloor);
    return static_cast<float>(std::exp2(std::clamp(10 - std::ceil(std::log2(largest)), -60., 60.)));
  }

 private:
  template <class T>
  static T* data(compute::Buffer<T, D>& buffer) {
    return buffer.view(buffer.size()).data;
  }
  template <class T>
  static void fill(compute::Buffer<T, D>& to, const T* from) {
    if (to.size() > 0) to.upload({from, static_cast<std::size_t>(to.size())});
  }
  void fill_places(D& device) {
    if (place_.size() == 0) return;
    std::vector<std::int32_t> place(static_cast<std::size_t>(place_.size()), -1);
    for (Index p = 0; p < task_.size; ++p) place[task_.pixel[p]] = static_cast<std::int32_t>(p);
    place_.upload(place);
    device.synchronize();
  }
  void fill_fluences() {
    const auto n = static_cast<std::size_t>(fluence_.size());
    if (!profiled()) {
      fluences_.assign(task_.fluence, task_.fluence + n);
    } else {
      std::vector<FrameSum> sums(n);
      sum_.download(sums);
      for (const FrameSum& frame : sums) {
        fluences_.push_back(std::max({frame.photons - task_.dark, 1e-3 * frame.photons, 1e-30}));
      }
    }
    fluence_.upload(fluences_);
  }

  ScoreTask task_;
  compute::Buffer<std::uint32_t, D> pixel_;
  compute::Buffer<float, D> position_, correction_, background_;
  compute::Buffer<std::int32_t, D> place_;
  compute::Buffer<FrameSum, D> sum_;
  compute::Buffer<double, D> fluence_;
  std::vector<double> fluences_;
};

}  // namespace unfold::spi
