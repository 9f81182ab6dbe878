#pragma once

#include "common/formats/fits/psf.h"
#include "workers/kernels/extraction/psf.h"

namespace unfold::physics {

/// A PSF as the kernels take it, from what a file holds (one core).
extraction::PsfShape shape_of(const fits::Psf& psf);
extraction::PsfTraces traces_of(const fits::Psf& psf);

}  // namespace unfold::physics
