#pragma once

#include <algorithm>
#include <cstring>

#include "workers/compute/accelerator.h"

namespace unfold::compute {

/// Copies between pageable host memory and a device through a ring of pinned chunks: the host reads
/// or writes one while the device's copies of others run. One thread at a time.
template <Accelerator D>
class Staging {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{4} << 20;

  /// `device` must outlive it.
  explicit Staging(D& device, std::size_t chunk_bytes = kChunkBytes)
      : device_(&device),
        chunk_(chunk_bytes),
        ring_(device, static_cast<Index>(kChunks * chunk_bytes)) {}

  /// Queued; `host` has been read when it returns.
  void copy_in(void* to, const void* host, std::size_t bytes) {
    auto* at = static_cast<char*>(to);
    const auto* from = static_cast<const char*>(host);
    for (std::size_t done = 0; done < bytes; done += chunk_) {
      if (filled_ == kChunks) wait();
      const std::size_t n = std::min(chunk_, bytes - done);
      char* pinned = chunk(filled_++);
      std::memcpy(pinned, from + done, n);
      device_->copy_in(at + done, pinned, n);
    }
  }

  /// Waits: `host` is written when it returns.
  void copy_out(void* host, const void* from, std::size_t bytes) {
    wait();
    const auto* at = static_cast<const char*>(from);
    auto* to = static_cast<char*>(host);
    const auto size = [&](std::size_t done) { return std::min(chunk_, bytes - done); };
    if (bytes > 0) device_->queue_out(chunk(0), at, size(0));
    for (std::size_t done = 0, i = 0; done < bytes; done += chunk_, ++i) {
      device_->synchronize();
      const std::size_t next = done + chunk_;
      if (next < bytes) device_->queue_out(chunk((i + 1) % 2), at + next, size(next));
      std::memcpy(to + done, chunk(i % 2), size(done));
    }
  }

 private:
  static constexpr std::size_t kChunks = 4;

  void wait() {
    if (filled_ > 0) device_->synchronize();
    filled_ = 0;
  }
  char* chunk(std::size_t i) { return ring_.span().data() + i * chunk_; }

  D* device_;
  std::size_t chunk_;
  Pinned<char, D> ring_;
  std::size_t filled_ = 0;  ///< chunks whose copies to the device may still run
};

}  // namespace unfold::compute
