#pragma once

#include "absl/status/statusor.h"
#include "common/formats/fits/frame.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/render/canvas.h"
#include "common/render/view.h"
#include "common/simulate/truth.h"

namespace unfold::render {

/// The lit part of a CCD, and a piece of it pixel by pixel. Masked pixels are orange, pixels
/// without weight purple.
Canvas draw_preproc(const fits::Preproc& image, const ViewOptions& options);

/// Flux of all fibres over wavelength and a few spectra; with a truth (may be null) the expected
/// curves too, and the pulls with their distribution. GRID_MISMATCH where the truth is another's.
absl::StatusOr<Canvas> draw_frame(const fits::Frame& frame, const simulate::Truth* truth,
                                  const ViewOptions& options);

/// The traces on the CCD and stamps over fibres and wavelengths.
Canvas draw_psf(const fits::Psf& psf, const ViewOptions& options);

}  // namespace unfold::render
