#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "workers/kernels/imaging/dispatch.h"
#include "workers/kernels/imaging/list_plan.h"
#include "workers/kernels/imaging/row_model.h"

namespace unfold::imaging {

/// One run's walk over its pieces: enter a time bin, meet its events kBlock at a time (dot, then
/// accumulate), leave it. What has been accumulated adds up in total(). Not thread safe.
template <class Real, int kWide>
class ListWorker {
 public:
  static_assert(kWide == 1 || kWide == kLanes);

  ListWorker(const RowModel<Real>& model, const KernelTable& table)
      : model_(model),
        kernels_(kernels_of<Real>(table)),
        element_(static_cast<int>(model.element())),
        length_(model.length()),
        w_(size(length_ * kWide)),
        sum_(size(length_ * kWide)),
        partial_(size(model.shape().pixels * kWide)),
        total_(size(model.shape().pixels * kWide)) {
    if (kWide > 1 && unpacks()) unpacked_.resize(size(kBlock * length_));
  }

  /// `image` [P, kWide] times pixel_factor; null where only accumulate() is to follow.
  void enter(Index time, const Real* image) {
    rows_ = model_.rows(time);
    if (image != nullptr && time != time_) model_.spread(time, kWide, image, w_.data());
    time_ = time;
    std::fill(sum_.begin(), sum_.end(), Real{0});
  }

  /// The rows of up to kBlock data bins; the last one stands in for those that are missing.
  void meet(std::span<const std::int32_t> bins) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      row_[i] = rows_.row(bins[std::min(i, bins.size() - 1)]);
      if (kWide == 1) continue;
      real_[i] = unpacks() ? unpacked_.data() + static_cast<Index>(i) * length_
                           : static_cast<const Real*>(row_[i]);
    }
    is_unpacked_ = !unpacks();
  }

  /// out [kBlock, kWide]: the products of the rows met with w.
  void dot(Real* out) {
    if constexpr (kWide == 1) {
      kernels_.dot[element_](row_, length_, w_.data(), out);
    } else {
      unpack();
      kernels_.dot_lanes(real_, length_, w_.data(), out);
    }
  }

  /// Adds coefficient [kBlock, kWide] times the rows met; it must be 0 for missing ones.
  void accumulate(const Real* coefficient) {
    if constexpr (kWide == 1) {
      kernels_.accumulate[element_](row_, length_, coefficient, sum_.data());
    } else {
      unpack();
      kernels_.accumulate_lanes(real_, length_, coefficient, sum_.data());
    }
  }

  void leave() {
    model_.gather(time_, kWide, sum_.data(), partial_.data());
    if (++left_ % kPiecesTogether == 0) settle();
  }

  /// [P, kWide], not yet multiplied by pixel_factor.
  std::vector<double> total() {
    settle();
    return std::move(total_);
  }

 private:
  /// Time bins whose gathered sums are added up in Real before they go on in double.
  static constexpr Index kPiecesTogether = 32;

  static std::size_t size(Index n) { return static_cast<std::size_t>(n); }
  bool unpacks() const { return element_ > static_cast<int>(Element::kF32); }

  void unpack() {
    if (!is_unpacked_) kernels_.unpack[element_](row_, length_, unpacked_.data());
    is_unpacked_ = true;
  }

  void settle() {
    for (std::size_t i = 0; i < total_.size(); ++i) {
      total_[i] += static_cast<double>(partial_[i]);
      partial_[i] = 0;
    }
  }

  const RowModel<Real>& model_;
  const Kernels<Real>& kernels_;
  const int element_;
  const Index length_;
  typename RowModel<Real>::Rows rows_{};
  Index time_ = -1, left_ = 0;
  bool is_unpacked_ = false;
  const void* row_[kBlock] = {};
  const Real* real_[kBlock] = {};
  std::vector<Real> w_, sum_, unpacked_, partial_;
  std::vector<double> total_;
};

}  // namespace unfold::imaging
