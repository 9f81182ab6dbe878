#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/formats/fits/psf.h"
#include "workers/kernels/extraction/psf.h"
#include "workers/residency/response_cache.h"

namespace unfold::engine {

/// A PSF in memory as the kernels take it.
class PsfResponse final : public residency::Response {
 public:
  extraction::PsfShape shape;
  extraction::PsfTraces traces;
  bool has_tails = false;
  int fiber_min = 0;
  std::string sha256;
  std::string in_psf;

  std::int64_t bytes() const override {
    return static_cast<std::int64_t>(sizeof *this + shape.resident_bytes() +
                                     traces.resident_bytes());
  }
};

/// InvalidArgument/WRONG_SHAPE where parameters of one PSF table differ in wavelength domain (no
/// known file does), or the kernels refuse the PSF.
absl::StatusOr<std::shared_ptr<const PsfResponse>> make_psf_response(const fits::Psf& psf);

}  // namespace unfold::engine
