#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "workers/compute/accelerator.h"
#include "workers/compute/staging.h"
#include "workers/kernels/extraction/device/views.h"
#include "workers/kernels/extraction/poles.h"

namespace unfold::extraction::device {

/// Device memory that is kept between uses and only grows; growing forgets the contents.
template <class T, compute::Accelerator D>
class Kept {
 public:
  T* reserve(D& device, Index n) {
    if (!buffer_ || buffer_->size() < n) {
      buffer_.reset();
      buffer_.emplace(device, n);
    }
    return data();
  }
  T* upload(D& device, const T* host, Index n) {
    reserve(device, n);
    device.copy_in(data(), host, static_cast<std::size_t>(n) * sizeof(T));
    return data();
  }
  T* upload(D& device, compute::Staging<D>& staging, const T* host, Index n) {
    reserve(device, n);
    staging.copy_in(data(), host, static_cast<std::size_t>(n) * sizeof(T));
    return data();
  }
  T* upload(D& device, const std::vector<T>& host) {
    return upload(device, host.data(), static_cast<Index>(host.size()));
  }
  void download(D& device, T* host, Index n) {
    device.copy_out(host, data(), static_cast<std::size_t>(n) * sizeof(T));
  }
  void download(compute::Staging<D>& staging, T* host, Index n) {
    staging.copy_out(host, data(), static_cast<std::size_t>(n) * sizeof(T));
  }
  std::vector<T> download(D& device, Index n) {
    std::vector<T> out(static_cast<std::size_t>(n));
    download(device, out.data(), n);
    return out;
  }
  T* data() { return buffer_ ? buffer_->view(buffer_->size()).data : nullptr; }
  std::size_t bytes() const { return buffer_ ? buffer_->bytes() : 0; }

 private:
  std::optional<compute::Buffer<T, D>> buffer_;
};

template <class... K>
std::size_t bytes_of(const K&... kept) {
  return (kept.bytes() + ...);
}

/// The pole table on the device.
template <compute::Accelerator D>
class Poles {
 public:
  explicit Poles(D& device) {
    std::vector<double> pole, weight;
    for (const PoleSet& set : pole_table()) {
      first_.push_back(static_cast<int>(pole.size()));
      pole.insert(pole.end(), set.pole.begin(), set.pole.end());
      weight.insert(weight.end(), set.weight.begin(), set.weight.end());
    }
    first_.push_back(static_cast<int>(pole.size()));
    pole_.upload(device, pole);
    weight_.upload(device, weight);
  }
  std::size_t bytes() const { return bytes_of(pole_, weight_); }
  const double* pole() { return pole_.data(); }
  const double* weight() { return weight_.data(); }
  /// [first, end) in the table, for a condition number.
  std::pair<int, int> range(double condition) const {
    const std::size_t i = pole_index(condition);
    return {first_[i], first_[i + 1]};
  }

 private:
  Kept<double, D> pole_, weight_;
  std::vector<int> first_;
};

}  // namespace unfold::extraction::device
