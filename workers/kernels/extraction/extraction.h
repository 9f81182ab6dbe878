#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/compute/view.h"
#include "workers/kernels/extraction/patch_rules.h"
#include "workers/kernels/extraction/psf.h"

/// 2D spectral extraction (Bolton and Schlegel 2010, PASP 122, 248) on host threads: pixels = A
/// flux + noise is solved by weighted least squares in banded form, and the fluxes are decorrelated
/// by the symmetric root of their inverse covariance, which gives the resolution matrix.
namespace unfold::extraction {

/// Linear grid of bin centres, Angstrom. Labels are first + i step; the PSF is evaluated at
/// label / barycentric_factor.
struct WavelengthGrid {
  double first = 0;
  double step = 0;
  int size = 0;
  double barycentric_factor = 1;
  double label(int i) const { return first + i * step; }
};

enum class Mode {
  kPatches,  ///< n_wave_step bins at a time with padding, as gpu_specter does
  kStrips,   ///< the whole wavelength range of a subbundle in one system: no seams along wavelength
};
enum class Decorrelate {
  kSignal,  ///< fibres decorrelated from each other: R is per fibre
  kNoise,   ///< root of the full inverse covariance of a patch (slow; dense)
};
enum class Tails { kOff, kOn };

/// Names follow desi_extract_spectra.
struct Options {
  WavelengthGrid wavelength;
  int spec_min = 0;
  int n_spec = 0;
  int bundle_size = 25;
  int n_subbundles = 5;  ///< divides bundle_size
  int n_wave_step = 50;  ///< bins per patch (kPatches)
  int wave_pad = 10;     ///< padding bins on each side are wave_pad + int(wave_pad * frac)
  double wave_pad_frac = 0.2;
  double pixel_pad_frac = 0.8;  ///< share of the padding bins' rows that is used
  double regularize = 0;
  double psf_error = 0.01;  ///< relative error of the PSF model; affects chi2pix only
  Tails tails = Tails::kOff;
  Mode mode = Mode::kPatches;
  Decorrelate decorrelate = Decorrelate::kSignal;
  bool model_image = false;
};

/// One CCD frame [npix_y, npix_x], not owned. ivar is 0 where a pixel is masked; pixels whose value
/// or ivar is not finite, or whose ivar is negative, count as ivar 0.
struct FrameView {
  compute::View<const float, 2> image;  ///< electrons
  compute::View<const float, 2> ivar;   ///< electrons^-2
};

/// What was extracted; labels and order of fibres as asked. Electrons per bin: divide flux by the
/// step and multiply ivar by its square to get densities per Angstrom.
struct Spectra {
  int n_spec = 0;
  int n_wave = 0;
  int n_diag = 0;            ///< resolution half width, HSIZEY
  std::vector<double> flux;  ///< [n_spec, n_wave] electrons per bin
  std::vector<double> ivar;  ///< [n_spec, n_wave]
  std::vector<float>
      resolution;  ///< [n_spec, 2 n_diag + 1, n_wave]: row k holds R[j - n_diag + k, j]
  std::vector<double> chi2pix;  ///< [n_spec, n_wave] reduced chi2 of the bin's pixels
  std::vector<double>
      pixmask_fraction;             ///< [n_spec, n_wave] share of the stamp on ivar = 0 or off CCD
  std::vector<std::uint8_t> flags;  ///< [n_spec, n_wave] BinFlag
  std::vector<float> model;         ///< [npix_y, npix_x] A f with f not reconvolved, or empty
  std::int64_t bad_input_pixels =
      0;  ///< pixels with a value or ivar that is not finite, or ivar < 0
};

/// CPU seconds by stage, summed over threads.
struct StageSeconds {
  double stamps = 0;
  double normal_equations = 0;
  double factor = 0;
  double selected_inverse = 0;
  double schur = 0;
  double root = 0;
  double chi2 = 0;
};

/// Thrown by extract() after `cancelled` returned true.
struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("extraction cancelled") {}
};

/// Called from worker threads; must not block. Both may be empty.
struct Hooks {
  std::function<void(std::int64_t patches_done, std::int64_t patches_total)> progress;
  std::function<bool()> cancelled;  ///< looked at before every patch
  StageSeconds* stages = nullptr;   ///< filled where given (adds clock reads)
};

/// Throws std::invalid_argument with a reason where options do not fit each other or the PSF.
void check(const Options& options, const PsfShape& shape);

/// The same of all that extract() takes.
void check(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
           const Options& options);

/// Room for what extract() gives, all zero; no model.
Spectra make_spectra(const Options& options, int n_diag);

/// Throws std::invalid_argument (see check), Cancelled, compute::OutOfMemory. The result is the
/// same bit for bit for any number of threads, and for a bundle alone or among others.
Spectra extract(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
                const Options& options, compute::Cpu& cpu, const Hooks& hooks = {});

/// Pixels [npix_y, npix_x] += A flux: the noiseless image of spectra [n_spec, grid.size] in
/// electrons per bin for fibres from spec_min on. Light off the CCD is lost.
void project(const PsfShape& shape, const PsfTraces& traces, const WavelengthGrid& grid,
             int spec_min, compute::View<const double, 2> flux, Tails tails,
             compute::View<float, 2> image, compute::Cpu& cpu);

}  // namespace unfold::extraction
