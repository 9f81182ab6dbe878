#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "workers/compute/device.h"

namespace unfold::extraction {

/// 64-byte aligned host memory that a thread keeps between patches; it only grows, and growing
/// forgets the contents. Move-only.
template <class T>
class Scratch {
 public:
  T* reserve(std::size_t n) {
    if (n > size_) {
      data_.reset();
      const std::size_t bytes = (n * sizeof(T) + 63) / 64 * 64;
      data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
      if (data_ == nullptr) {
        size_ = 0;
        throw compute::OutOfMemory("host allocation of " + std::to_string(bytes) + " bytes failed");
      }
      size_ = n;
    }
    return data_.get();
  }
  T* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace unfold::extraction
