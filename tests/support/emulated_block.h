#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "workers/compute/block.h"

/// Blocks of workers/compute/block.h on the host: every phase is a loop over its threads.
namespace unfold::test {

using compute::Index;

/// In which order threads of a phase, warps and blocks come; a sound kernel gives the same bits in
/// each.
enum class Order { kForward, kBackward };

inline int turned(Order order, int i, int n) { return order == Order::kForward ? i : n - 1 - i; }

/// One T a thread.
template <class T>
class OneEach {
 public:
  explicit OneEach(int n) : values_(static_cast<std::size_t>(n)) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memset(static_cast<void*>(values_.data()), 0xff, values_.size() * sizeof(T));
  }
  T& operator()(int i) { return values_[static_cast<std::size_t>(i)].value; }
  const T& operator()(int i) const { return values_[static_cast<std::size_t>(i)].value; }

 private:
  struct Cell {  // vector<bool> is none
    T value;
  };
  std::vector<Cell> values_;
};

/// As lanes of a warp take it: lane i with i ^ 16, then 8, 4, 2, 1.
template <class T, class Combine>
T over_warp(const T* values, const Combine& combine) {
  T now[compute::kWarp], next[compute::kWarp];
  std::copy_n(values, compute::kWarp, now);
  for (int apart = compute::kWarp / 2; apart > 0; apart /= 2) {
    for (int i = 0; i < compute::kWarp; ++i) next[i] = combine(now[i], now[i ^ apart]);
    std::copy_n(next, compute::kWarp, now);
  }
  return now[0];
}

template <class F>
void call(const F& f, Index i, int thread) {
  if constexpr (std::is_invocable_v<const F&, Index, int>) {
    f(i, thread);
  } else {
    f(i);
  }
}

class EmulatedWarp {
 public:
  EmulatedWarp(int index, int count, Order order) : index_(index), count_(count), order_(order) {}
  int index() const { return index_; }
  int count() const { return count_; }
  template <class T>
  OneEach<T> per_lane() const {
    return OneEach<T>(compute::kWarp);
  }
  template <class F>
  void each_lane(const F& f) const {
    for (int i = 0; i < compute::kWarp; ++i) f(turned(order_, i, compute::kWarp));
  }
  template <class F>
  void for_each(Index n, const F& f) const {
    each_lane([&](int lane) {
      for (Index i = lane; i < n; i += compute::kWarp) test::call(f, i, lane);
    });
  }
  template <class T>
  T sum(const OneEach<T>& p) const {
    return test::over_warp(&p(0), [](T a, T b) { return a + b; });
  }
  template <class T>
  T max(const OneEach<T>& p) const {
    return test::over_warp(&p(0), [](T a, T b) { return a > b ? a : b; });
  }

 private:
  int index_, count_;
  Order order_;
};

class EmulatedBlock {
 public:
  EmulatedBlock(Index index, int threads, std::size_t shared_bytes, Order order)
      : index_(index), threads_(threads), bytes_(shared_bytes), order_(order) {}

  Index index() const { return index_; }

  /// Each call's elements are an allocation of their own, so that a sanitizer sees their ends.
  template <class T>
  T* shared(Index n) {
    used_ += compute::shared_size<T>(n);
    if (used_ > bytes_) throw std::logic_error("a kernel shares more than its shared_bytes()");
    const std::size_t size = static_cast<std::size_t>(n) * sizeof(T);
    pieces_.push_back(std::make_unique<std::max_align_t[]>(size / sizeof(std::max_align_t) + 1));
    std::memset(pieces_.back().get(), 0xff, size);
    return reinterpret_cast<T*>(pieces_.back().get());
  }
  template <class T>
  OneEach<T> per_thread() const {
    return OneEach<T>(threads_);
  }
  template <class F>
  void each_thread(const F& f) const {
    for (int i = 0; i < threads_; ++i) f(turned(order_, i, threads_));
  }
  template <class F>
  void for_each(Index n, const F& f) const {
    each_thread([&](int thread) {
      for (Index i = thread; i < n; i += threads_) test::call(f, i, thread);
    });
  }
  template <class F>
  void each_warp(const F& f) const {
    const int count = threads_ / compute::kWarp;
    for (int i = 0; i < count; ++i) f(EmulatedWarp(turned(order_, i, count), count, order_));
  }
  template <class T>
  T sum(const OneEach<T>& p) {
    return over_block(p, [](T a, T b) { return a + b; });
  }
  template <class T>
  T max(const OneEach<T>& p) {
    return over_block(p, [](T a, T b) { return a > b ? a : b; });
  }

 private:
  template <class T, class Combine>
  T over_block(const OneEach<T>& p, const Combine& combine) {
    if (!reduced_) shared<char>(static_cast<Index>(compute::kReductionBytes));
    reduced_ = true;
    T total = test::over_warp(&p(0), combine);
    for (int first = compute::kWarp; first < threads_; first += compute::kWarp) {
      total = combine(total, test::over_warp(&p(first), combine));
    }
    return total;
  }

  Index index_;
  int threads_;
  std::size_t bytes_, used_ = 0;
  Order order_;
  bool reduced_ = false;
  std::vector<std::unique_ptr<std::max_align_t[]>> pieces_;
};

}  // namespace unfold::test
