#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "workers/cuda/loader.h"
#include "workers/kernels/extraction/device/frame_plan.h"

/// Extraction on a GPU, through its module. Everything here throws compute::OutOfMemory or
/// compute::DeviceError where the device does.
namespace unfold::cuda {

/// A PSF's slowly changing part on a GPU, until its last holder lets go of it. Immutable; thread
/// safe.
class GpuPsf {
 public:
  GpuPsf(const Gpu& gpu, const extraction::PsfShape& shape);
  ~GpuPsf();
  GpuPsf(const GpuPsf&) = delete;
  GpuPsf& operator=(const GpuPsf&) = delete;

  const void* get() const { return handle_; }
  std::int64_t bytes() const { return static_cast<std::int64_t>(bytes_); }

 private:
  Gpu gpu_;
  void* handle_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Extractions on one GPU. Each call takes a stream with memory of its own, which later calls use
/// again, so that frames of several threads are in flight at a time. Thread safe.
class GpuExtraction {
 public:
  /// Fibres are decorrelated by the method given: kPoles, or kDense to compare with it.
  explicit GpuExtraction(const Gpu& gpu,
                         extraction::RootMethod method = extraction::RootMethod::kPoles)
      : gpu_(gpu), method_(method) {}
  ~GpuExtraction();
  GpuExtraction(const GpuExtraction&) = delete;
  GpuExtraction& operator=(const GpuExtraction&) = delete;

  const Gpu& gpu() const { return gpu_; }
  /// What is kept on the GPU for later calls.
  std::int64_t bytes() const;

  /// extraction::extract() to within docs/numerics.md; `psf` holds `shape`. A model image is made
  /// on `cpu`. Throws as extract() does.
  extraction::Spectra extract(const GpuPsf& psf, const extraction::PsfShape& shape,
                              const extraction::PsfTraces& traces,
                              const extraction::FrameView& frame,
                              const extraction::Options& options, compute::Cpu& cpu,
                              const extraction::Hooks& hooks = {},
                              extraction::DeviceStages* stages = nullptr);

 private:
  struct Idle {
    void* extractor;
    std::int64_t bytes;
  };
  void* take();
  void give_back(const Idle& idle);

  Gpu gpu_;
  extraction::RootMethod method_;
  mutable std::mutex mutex_;
  std::vector<Idle> idle_;
};

}  // namespace unfold::cuda
