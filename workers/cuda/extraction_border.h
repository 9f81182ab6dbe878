#pragma once

#include "workers/cuda/border.h"

/// What crosses the module's border for extraction (module.h).
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
};

}  // namespace unfold::cuda
