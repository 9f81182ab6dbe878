#pragma once

#include "common/formats/spi/source.h"

namespace unfold::plan {

/// Where pixels lie side by side: the median distance of neighbours, 1/Angstrom. 0 for one pixel.
double pixel_spacing(const spi_data::Detector& detector);

/// How large the particle is, from the patterns alone: speckles are as wide as it is not. Per frame
/// the Fourier transform of what departs from the mean pattern lives on the particle's
/// autocorrelation; averaged over frames and directions it falls to a fifth of its peak at a radius
/// that is a fixed share of a compact particle's extent (2CEX, 72 Angstrom: 0.53; 1EI7, 92
/// Angstrom: 0.41; clean and with 1000 photons a frame, 100 too for the first). Angstrom, with room
/// to spare for a compact particle; 0 where the patterns do not tell. At most what the pixels can
/// sample, 1 / (2 spacing). `sample`: a few hundred frames.
double extent_of(const spi_data::Patterns& sample);

}  // namespace unfold::plan
