#pragma once

#include <cstddef>
#include <vector>

#include "workers/kernels/extraction/psf_parameter.h"

/// The PSF of a spectrograph camera as its file states it (DESI GAUSS-HERMITE 2 and 3,
/// GAUSS-HERMITE2), without any file format. Plain values; read-only sharing between threads is
/// safe.
namespace unfold::extraction {

/// Legendre series over wavelength: value(param, fibre, w) = sum_k coef[param, fibre, k] P_k(t),
/// t = 2 (w - wave_min) / (wave_max - wave_min) - 1, not clamped to [-1, 1].
struct LegendreSet {
  double wave_min = 0;  ///< Angstrom
  double wave_max = 0;  ///< Angstrom
  int n_param = 0;
  int n_spec = 0;
  int n_coef = 0;
  std::vector<double> coef;  ///< [n_param, n_spec, n_coef]

  const double* row(int param, int spec) const {
    return coef.data() + (static_cast<std::size_t>(param) * static_cast<std::size_t>(n_spec) +
                          static_cast<std::size_t>(spec)) *
                             static_cast<std::size_t>(n_coef);
  }
  double* row(int param, int spec) {
    return const_cast<double*>(static_cast<const LegendreSet*>(this)->row(param, spec));
  }
};

enum class PsfModel {
  kGaussHermite,   ///< one Gauss-Hermite core; stamps of 2 HSIZE + 1 pixels
  kGaussHermite2,  ///< a core cut at core_radius sigma plus a second core; stamps of 2 HSIZE pixels
};

/// Everything of a PSF that changes slowly from night to night. Its bytes are what a response cache
/// keeps; stamps are made from it where they are needed and are never resident.
struct PsfShape {
  PsfModel model = PsfModel::kGaussHermite;
  int n_spec = 0;
  int npix_x = 0;
  int npix_y = 0;
  int half_size_x = 0;  ///< HSIZEX
  int half_size_y = 0;  ///< HSIZEY; also the half width of the resolution band
  int degree_x = 0;     ///< GHDEGX
  int degree_y = 0;     ///< GHDEGY
  int degree2_x = 0;    ///< GHDEGX2 (kGaussHermite2)
  int degree2_y = 0;    ///< GHDEGY2 (kGaussHermite2)
  LegendreSet params;   ///< rows as PsfParameter; absent ones are zero

  /// Row of GH-i-j (i: degree in x, j: degree in y), and of GH2-i-j.
  int gh_row(int i, int j) const { return kFirstGh + i * (degree_y + 1) + j; }
  int gh2_row(int i, int j) const {
    return kFirstGh + (degree_x + 1) * (degree_y + 1) + i * (degree2_y + 1) + j;
  }
  int n_rows() const {
    return kFirstGh + (degree_x + 1) * (degree_y + 1) +
           (model == PsfModel::kGaussHermite2 ? (degree2_x + 1) * (degree2_y + 1) : 0);
  }
  int stamp_width() const { return 2 * half_size_x + (model == PsfModel::kGaussHermite ? 1 : 0); }
  int stamp_height() const { return 2 * half_size_y + (model == PsfModel::kGaussHermite ? 1 : 0); }
  /// A stamp's first pixel is floor(trace centre - corner).
  double corner_x() const { return half_size_x - (model == PsfModel::kGaussHermite ? 0.5 : 0); }
  double corner_y() const { return half_size_y - (model == PsfModel::kGaussHermite ? 0.5 : 0); }
  std::size_t resident_bytes() const { return params.coef.capacity() * sizeof(double); }
};

/// Where each fibre's light falls, in pixels (an integer is a pixel's centre); changes with every
/// exposure. One parameter each.
struct PsfTraces {
  LegendreSet x;  ///< column
  LegendreSet y;  ///< row

  std::size_t resident_bytes() const {
    return (x.coef.capacity() + y.coef.capacity()) * sizeof(double);
  }
};

/// Throws std::invalid_argument with a reason where sizes or domains do not fit each other, a
/// coefficient is not finite, or a degree is not supported.
void check(const PsfShape& shape, const PsfTraces& traces);

}  // namespace unfold::extraction
