#pragma once

#include <string>
#include <utility>
#include <vector>

#include "workers/compute/device.h"

namespace unfold::compute {

/// A device with memory of its own, one stream of work: cuda::Cuda, and test::Emulated that plays
/// it. Beside Device's calls, all of them queued: copy on the device, clear to zero bytes, copy out
/// to pinned memory without waiting; host memory that copies need not stage (pinned); marks in the
/// stream, whose seconds apart can be asked once the work is done; and names for a profiler.
template <class D>
concept Accelerator = Device<D> && requires(D& d, void* p, const void* q, std::size_t bytes,
                                            const typename D::Mark& mark, const char* name) {
  d.copy(p, q, bytes);
  d.clear(p, bytes);
  d.queue_out(p, q, bytes);
  { d.allocate_pinned(bytes) } -> std::same_as<void*>;
  { d.deallocate_pinned(p) }
  noexcept;
  { d.mark() } -> std::same_as<typename D::Mark>;
  { d.seconds(mark, mark) } -> std::convertible_to<double>;
  d.push_name(name);
  d.pop_name();
};

/// Owns `size()` uninitialised host elements from which and to which copies run beside computation.
/// Reading what a queued copy writes, or writing what it reads, needs synchronize() before.
template <class T, Accelerator D>
class Pinned {
 public:
  Pinned(D& device, Index size)
      : device_(&device),
        data_(static_cast<T*>(device.allocate_pinned(static_cast<std::size_t>(size) * sizeof(T)))),
        size_(size) {}
  ~Pinned() {
    if (data_ != nullptr) device_->deallocate_pinned(data_);
  }
  Pinned(Pinned&& other) noexcept
      : device_(other.device_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Pinned& operator=(Pinned&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  Index size() const { return size_; }
  std::span<T> span() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  D* device_;
  T* data_;
  Index size_;
};

/// The seconds that named stages take on the device, one after the other; also their names for a
/// profiler. Stages that come again add up.
template <Accelerator D>
class StageClock {
 public:
  explicit StageClock(D& device) : device_(&device) {}
  ~StageClock() {
    if (!names_.empty() && !ended_) device_->pop_name();
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

  /// Ends the stage before. `name` is a literal.
  void begin(const char* name) {
    if (!names_.empty() && !ended_) device_->pop_name();
    ended_ = false;
    device_->push_name(name);
    names_.push_back(name);
    marks_.push_back(device_->mark());
  }
  void end() {
    if (names_.empty() || ended_) return;
    device_->pop_name();
    names_.push_back(nullptr);
    marks_.push_back(device_->mark());
    ended_ = true;
  }

  /// In the order of their first begin(). Ends the last stage; synchronises.
  std::vector<std::pair<std::string, double>> seconds() {
    end();
    device_->synchronize();
    std::vector<std::pair<std::string, double>> out;
    for (std::size_t i = 0; i + 1 < names_.size(); ++i) {
      if (names_[i] == nullptr) continue;
      std::size_t at = 0;
      while (at < out.size() && out[at].first != names_[i]) ++at;
      if (at == out.size()) out.emplace_back(names_[i], 0.0);
      out[at].second += device_->seconds(marks_[i], marks_[i + 1]);
    }
    return out;
  }

 private:
  D* device_;
  std::vector<const char*> names_;  ///< null where a stage ends and none begins
  std::vector<typename D::Mark> marks_;
  bool ended_ = false;
};

}  // namespace unfold::compute
