#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/formats/fits/psf.h"
#include "workers/cuda/gpu_extraction.h"
#include "workers/kernels/extraction/psf.h"
#include "workers/residency/response_cache.h"

namespace unfold::engine {

/// What of a PSF repeats from exposure to exposure, in memory as the kernels take it.
class PsfResponse final : public residency::Response {
 public:
  extraction::PsfShape shape;
  std::unique_ptr<const cuda::GpuPsf> on_gpu;  ///< where the worker computes on one
  bool has_tails = false;
  int fiber_min = 0;

  /// Of the memory that its budget is of.
  std::int64_t bytes() const override {
    if (on_gpu) return on_gpu->bytes();
    return static_cast<std::int64_t>(sizeof *this + shape.resident_bytes());
  }
};

/// What is each file's own: DESI shifts the traces with every exposure.
struct PsfFile {
  extraction::PsfTraces traces;
  std::string sha256;
  std::string in_psf;
};

struct LoadedPsf {
  std::shared_ptr<const PsfResponse> response;
  std::shared_ptr<const PsfFile> file;
};

/// InvalidArgument/WRONG_SHAPE where parameters of one PSF table differ in wavelength domain (no
/// known file does), or the kernels refuse the PSF. Onto `gpu` too where there is one; throws as
/// GpuPsf does.
absl::StatusOr<LoadedPsf> load_psf(const fits::Psf& psf, const cuda::Gpu* gpu = nullptr);

/// The files read last, by identity, so that a frame with a known PSF reads none of it. Holds 64,
/// some 60 kB each. Thread safe.
class PsfFileMemo {
 public:
  std::shared_ptr<const PsfFile> find(const std::string& identity) const;
  void put(const std::string& identity, std::shared_ptr<const PsfFile> file);

 private:
  mutable Mutex mutex_;
  std::deque<std::pair<std::string, std::shared_ptr<const PsfFile>>> files_
      UNFOLD_GUARDED_BY(mutex_);
};

}  // namespace unfold::engine
