#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/simulate/simulate.h"

namespace unfold::simulate {

/// Columns [x_begin, x_end), rows [y_begin, y_end).
struct Rectangle {
  int x_begin = 0;
  int x_end = 0;
  int y_begin = 0;
  int y_end = 0;
  bool empty() const { return x_end <= x_begin || y_end <= y_begin; }
};

/// What falls on the CCD before any noise. Row-major [ny, nx].
struct Scene {
  int nx = 0;
  int ny = 0;
  std::vector<double> electrons;
  Rectangle lit;  ///< the pixels that stamps touch
};

/// Monochromatic light: photons [fibres, wavelengths] of PSF rows first_fibre ... , each at exactly
/// its wavelength. Stamps are cut at the CCD's edges. One task a bundle of 25; added up in the
/// order of fibres, so that threads do not show. The PSF must have one core.
Scene project(const fits::Psf& psf, int first_fibre, std::span<const double> wavelength,
              std::span<const double> photons);

/// Noise and detector defects, as ExtractionOptions describes them.
struct Detector {
  std::uint64_t seed = 1;
  double read_noise = 3.0;
  IvarFrom ivar = IvarFrom::kModel;
  int cosmics = 0;
  double cosmics_flagged = 1.0;
  int bad_columns = 0;
  int bad_pixels = 0;
  int nan_pixels = 0;
};

/// One exposure of `scene`: Poisson electrons plus normal read noise over the whole CCD, then
/// defects within the lit rectangle. Header, camera and fibermap are left to the caller. The same
/// for any number of threads.
fits::Preproc expose(const Scene& scene, const Detector& detector);

}  // namespace unfold::simulate
