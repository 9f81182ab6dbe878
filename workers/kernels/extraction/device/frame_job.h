#pragma once

#include <cstdint>

#include "workers/kernels/extraction/patch_rules.h"

/// What an extraction on a device is told and gives, as plain structs on host memory: they cross
/// the module's border (workers/cuda/extraction_border.h).
namespace unfold::extraction {

/// The slowly changing part of a PSF (PsfShape).
struct PsfTable {
  int n_spec, n_row, n_coef;
  int npix_x, npix_y;
  int width, height;         ///< of a stamp, pixels
  double half_x, half_y;     ///< a stamp's first pixel is floor(trace centre - half)
  int degree_x, degree_y;    ///< of the core
  int degree2_x, degree2_y;  ///< of the second core, or -1
  const double* coef;        ///< [n_row, n_spec, n_coef], rows as PsfParameter
};

/// One patch of a frame.
struct PatchJob {
  PatchRange range;
  int bundle_fibre;  ///< the bundle's first fibre, counted from FrameJob::first_spec
  int wave;          ///< first core wave, counted in the asked range
};

/// Legendre series at the wavelengths of the padded grid.
struct SeriesTable {
  int n_coef;
  const double* coef;   ///< [n_spec, n_coef], fibres from first_spec on; null for the PSF's own
  const double* basis;  ///< [n_coef, n_grid]
};

/// What Q, whose rows decorrelate the fluxes, is and how it is taken.
enum class RootMethod : int {
  kPoles,  ///< (C_ss)^(-1/2) of each fibre, by banded algebra: as the host does
  kDense,  ///< the same from eigenvectors of dense matrices, as gpu_specter does: to compare with
  kNoise,  ///< Decorrelate::kNoise: M^(1/2) of the whole patch, from its eigenvectors
};

struct FrameJob {
  int first_spec, n_spec;  ///< fibres asked for
  int n_wave;              ///< wavelengths asked for
  int n_grid;              ///< of the padded grid
  int n_diag;              ///< half width of the resolution
  bool tails;
  RootMethod method;
  double regularize, psf_error, pixel_pad_frac;
  SeriesTable shape, x, y;
  const float* image;       ///< [npix_y, npix_x] electrons
  const float* ivar;        ///< [npix_y, npix_x]
  const PatchJob* patches;  ///< [n_patch], all of the same n_wave, n_core and n_core_wave
  int n_patch;
  /// Called from the calling thread between batches of patches; either may be null.
  void (*progress)(void* context, std::int64_t done, std::int64_t total);
  bool (*cancelled)(void* context);
  void* context;
  bool time_stages;  ///< fill FrameSpectra::stages
};

/// Device seconds, and bytes of device memory that it held to the end.
struct DeviceStages {
  double upload, stamps, normal_equations, factor, selected_inverse, schur, root, chi2, download;
  std::int64_t device_bytes;
};

/// As Spectra; host arrays, all written, [n_spec, n_wave] unless said.
struct FrameSpectra {
  double *flux, *ivar, *chi2pix, *pixmask_fraction, *unconvolved;
  float* resolution;  ///< [n_spec, 2 n_diag + 1, n_wave]
  std::uint8_t* flags;
  std::int64_t bad_input_pixels;
  bool cancelled;       ///< and nothing else was written
  DeviceStages stages;  ///< seconds are zero unless asked for
};

}  // namespace unfold::extraction
