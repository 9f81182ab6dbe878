#pragma once

#include <cstdint>
#include <vector>

#include "common/formats/fits/frame.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/simulate/scene.h"
#include "common/simulate/truth.h"
#include "workers/kernels/extraction/extraction.h"

namespace unfold::physics {

/// The first bundles of a camera on a small CCD of their own, cut so that the asked wavelengths
/// just fit: cheap to simulate and to extract many times.
struct SmallCamera {
  fits::Psf psf;
  extraction::PsfShape shape;
  extraction::PsfTraces traces;
  int fibres = 0;
  extraction::WavelengthGrid grid;
};
SmallCamera small_camera(const fits::Psf& psf, int bundles, double first_wavelength, int bins);
/// Of the simulator's own r0 PSF.
SmallCamera small_camera(int bundles, double first_wavelength, int bins);

/// The same after its CCD, PSF or traces were changed.
SmallCamera remade(SmallCamera camera);

/// Known light of every fibre: sky and objects as `unfold simulate` makes them.
simulate::Truth light_of(const SmallCamera& camera, std::uint64_t seed);
simulate::Scene scene_of(const SmallCamera& camera, const simulate::Truth& truth);

/// Options that extract all of a small camera.
extraction::Options options_of(const SmallCamera& camera, extraction::Mode mode);

/// Extracts; pixels with a mask bit count nothing.
extraction::Spectra extract(const SmallCamera& camera, const fits::Preproc& image,
                            const extraction::Options& options);

/// Pixels [ny, nx] without noise, and the weights that noise would have given them.
fits::Preproc noiseless(const simulate::Scene& scene);

/// As a frame file would hold it, with desispec's mask bits.
fits::Frame frame_of(const SmallCamera& camera, const extraction::Spectra& spectra);

/// (R truth) of a bin, electrons per bin.
double resolved(const extraction::Spectra& spectra, const simulate::Truth& truth, int s, int i);

}  // namespace unfold::physics
