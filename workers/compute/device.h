#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <utility>

#include "workers/compute/view.h"

namespace unfold::compute {

enum class DeviceKind { kCpu, kCuda };

/// Device memory ran out. Caught once, at the engine boundary.
struct OutOfMemory : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The device reported an error; the worker must not reuse it.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where memory lives and work is ordered: host threads, or one CUDA stream. copy_out returns with
/// the bytes on the host; every other call may return before its work is done.
template <class D>
concept Device = requires(D& d, void* p, const void* q, std::size_t bytes) {
  { D::kKind } -> std::convertible_to<DeviceKind>;
  { d.allocate(bytes) } -> std::same_as<void*>;
  { d.deallocate(p) }
  noexcept;
  { d.copy_in(p, q, bytes) } -> std::same_as<void>;
  { d.copy_out(p, q, bytes) } -> std::same_as<void>;
  { d.synchronize() } -> std::same_as<void>;
};

/// Owns `size()` uninitialised elements on `D`, which must outlive it. Move-only; copies to and
/// from the host are explicit.
template <class T, Device D>
class Buffer {
 public:
  Buffer(D& device, Index size)
      : device_(&device),
        data_(static_cast<T*>(device.allocate(static_cast<std::size_t>(size) * sizeof(T)))),
        size_(size) {}
  ~Buffer() {
    if (data_ != nullptr) device_->deallocate(data_);
  }
  Buffer(Buffer&& other) noexcept
      : device_(other.device_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  Index size() const { return size_; }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  /// The same elements with the given extents, whose product must be size().
  template <class... N>
  View<T, sizeof...(N)> view(N... extents) {
    return {data_, extents...};
  }

  void upload(std::span<const T> host) { device_->copy_in(data_, host.data(), host.size_bytes()); }
  void download(std::span<T> host) const {
    device_->copy_out(host.data(), data_, host.size_bytes());
  }

 private:
  D* device_;
  T* data_;
  Index size_;
};

}  // namespace unfold::compute
