#pragma once

#include <memory>
#include <span>

#include "workers/cuda/loader.h"
#include "workers/kernels/spi/patterns.h"

/// Single-particle frames on a GPU. Everything here throws compute::OutOfMemory or
/// compute::DeviceError where the device does.
namespace unfold::cuda {

/// A set's frames, until the last holder lets go of them, in as many bytes as the set has here.
/// Immutable.
class GpuFrames {
 public:
  /// Throws std::invalid_argument where !spi::fits_device(frames).
  GpuFrames(const Gpu& gpu, const spi::PatternSet& frames);
  /// Those of `whole`, or the ones that `some`, taken from them, has: nothing is copied. Searches
  /// of one GpuFrames take turns; those of several, of one `whole` too, run side by side.
  explicit GpuFrames(std::shared_ptr<const GpuFrames> whole);
  GpuFrames(std::shared_ptr<const GpuFrames> whole, const spi::PatternSet& some);
  ~GpuFrames();
  GpuFrames(const GpuFrames&) = delete;
  GpuFrames& operator=(const GpuFrames&) = delete;

  bool are(const spi::PatternSet& frames) const { return same(of_, frames.identity()); }
  /// Whether `frames` were taken from these.
  bool hold(const spi::PatternSet& frames) const { return same(of_, frames.origin().identity); }
  /// Whether the set is no more.
  bool expired() const { return of_.expired(); }
  void* get() const { return handle_; }

 private:
  static bool same(const std::weak_ptr<const void>& a, const std::weak_ptr<const void>& b) {
    return !a.expired() && a.lock() == b.lock();
  }

  Gpu gpu_;
  std::shared_ptr<const GpuFrames> whole_;
  std::weak_ptr<const void> of_;
  void* handle_ = nullptr;
};

}  // namespace unfold::cuda
