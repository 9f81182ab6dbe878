#pragma once

#include "absl/status/status.h"
#include "common/formats/fits/psf.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// Fills the absent options of `spec` with desi_extract_spectra's defaults and checks every number
/// against the others and against the PSF. Each error names its field: OUT_OF_RANGE, NOT_DIVISIBLE,
/// OUTSIDE_PSF, UNSUPPORTED, TOO_LARGE.
absl::Status complete_options(const fits::PsfSummary& psf, v1::ExtractionSpec& spec);

/// Number of bins of a grid: min, min + step, ... while < max + step / 2, as numpy.arange.
int bin_count(const v1::WavelengthGrid& grid);

}  // namespace unfold::plan
