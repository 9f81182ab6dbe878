#pragma once

#include <cstddef>

#include "workers/cuda/border.h"
#include "workers/kernels/extraction/device/frame_job.h"

/// What crosses the module's border for extraction (module.h). A `void*` is a handle that its
/// release gives back with every byte.
namespace unfold::cuda {

/// PSF stamps of all fibres at all wavelengths (extraction::MakeStamp); host arrays.
struct StampProblem {
  int n_row, n_fibre, n_wave, n_coef;
  int degree_x, degree_y, height, width;
  const double* coef;      ///< [n_row, n_fibre, n_coef]
  const double* basis;     ///< [n_coef, n_wave]
  const double* offset_x;  ///< [n_fibre, n_wave]
  const double* offset_y;  ///< [n_fibre, n_wave]
  double* stamps;          ///< [n_fibre, n_wave, height, width], written before the call returns
};

struct ExtractionTable {
  Outcome (*make_stamps)(int ordinal, const StampProblem* problem);
  /// A resident PSF, which any number of extractors may use at a time, and the bytes it holds.
  Outcome (*load_psf)(int ordinal, const extraction::PsfTable* host, void** psf,
                      std::size_t* bytes);
  Outcome (*release_psf)(int ordinal, void* psf);
  /// One frame in flight: a stream and its memory, kept from frame to frame. One thread at a time.
  Outcome (*open_extractor)(int ordinal, void** extractor);
  Outcome (*release_extractor)(int ordinal, void* extractor);
  Outcome (*extract)(int ordinal, void* extractor, const void* psf, const extraction::FrameJob* job,
                     extraction::FrameSpectra* out);
};

}  // namespace unfold::cuda
