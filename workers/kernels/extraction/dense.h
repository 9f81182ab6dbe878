#pragma once

#include <vector>

/// Plain dense double-precision extraction, written straight from the formulas, to be checked by
/// eye: the oracle of the banded kernels, and the engine of Decorrelate::kNoise. Row-major arrays.
namespace unfold::extraction::dense {

/// One patch: A [n_pixel, n_bin] with bins fibre-major (fibre * n_wave + wave).
struct Problem {
  int n_pixel = 0, n_fibre = 0, n_wave = 0;
  std::vector<double> a;       ///< [n_pixel, n_bin]
  std::vector<double> pixels;  ///< [n_pixel]
  std::vector<double> ivar;    ///< [n_pixel]
  double regularize = 0;
  double psf_error = 0.01;
  bool decorrelate_noise = false;
  int n_bin() const { return n_fibre * n_wave; }
};

struct Solution {
  std::vector<double> inverse_covariance;  ///< M [n_bin, n_bin], regularised
  std::vector<double> rhs, flux_weight;    ///< A^T W p, A^T W 1 [n_bin]
  std::vector<double> unconvolved;         ///< M^-1 rhs [n_bin]
  std::vector<double> covariance;          ///< M^-1 [n_bin, n_bin]
  std::vector<double> root;                ///< Q [n_bin, n_bin]; blocks of fibres unless noise
  std::vector<double> resolution;          ///< R [n_bin, n_bin], rows sum to 1
  std::vector<double> flux, ivar;          ///< R unconvolved; (row sums of Q)^2 [n_bin]
  std::vector<double> chi2pix, pixmask_fraction;  ///< [n_bin]
};

Solution solve(const Problem& problem);

/// Symmetric positive root of a symmetric matrix [n, n]; negative eigenvalues count as 0.
std::vector<double> symmetric_root(const std::vector<double>& matrix, int n);

/// Root of U^T U for a band factor U(k, k + d) at band[k * stride + d], d <= half_band.
std::vector<double> banded_root(const double* band, int n, int half_band, int stride);

}  // namespace unfold::extraction::dense
