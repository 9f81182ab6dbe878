#pragma once

#include <math.h>

#include "workers/compute/view.h"
#include "workers/kernels/extraction/psf_parameter.h"

namespace unfold::extraction {

/// Antiderivatives of the Gauss-Hermite functions of degree 0..degree at u (in sigma), to
/// out[m * stride].
UNFOLD_HD inline void gauss_hermite_edge(double u, int degree, double* out, int stride) {
  const double gauss = 0.39894228040143267794 * ::exp(-0.5 * u * u);
  out[0] = 0.5 * ::erf(u * 0.70710678118654752440);
  double hermite = 1, before = 0;
  for (int m = 1; m <= degree; ++m) {
    out[m * stride] = -hermite * gauss;
    const double next = u * hermite - (m - 1) * before;
    before = hermite;
    hermite = next;
  }
}

/// One PSF stamp per index, one thread per stamp, on any device: the same result as the vector
/// kernels of the CPU to 1e-14 (they make eight at a time, which is why they exist beside it).
/// Tails and second cores are not part of it.
///
/// coef      [n_row, n_fibre, n_coef]  Legendre coefficients, rows as PsfParameter then GH-i-j
/// basis     [n_coef, n_wave]          Legendre polynomials at the wavelengths
/// offset_x  [n_fibre, n_wave]         first column of the stamp minus trace centre, pixels
/// offset_y  [n_fibre, n_wave]         first row minus trace centre, pixels
/// stamps    [n_fibre, n_wave, height, width]  overwritten; each sums to 1
struct MakeStamp {
  int degree_x = 0, degree_y = 0;
  compute::View<const double, 3> coef;
  compute::View<const double, 2> basis;
  compute::View<const double, 2> offset_x, offset_y;
  compute::View<double, 4> stamps;

  UNFOLD_HD compute::Index size() const { return stamps.extent[0] * stamps.extent[1]; }

  UNFOLD_HD double parameter(int row, compute::Index fibre, compute::Index wave) const {
    double value = 0;
    for (compute::Index k = 0; k < basis.extent[0]; ++k) {
      value += coef(row, fibre, k) * basis(k, wave);
    }
    return value;
  }

  /// out[m][k]: integral of the Gauss-Hermite function of degree m over pixel k, whose low edge
  /// lies at offset + k - 1/2 from the centre.
  UNFOLD_HD static void integrate(double offset, double sigma, int n_pixel, int degree,
                                  double (*out)[2 * kMaxHalfSize + 1]) {
    double low[kMaxDegree + 1], high[kMaxDegree + 1];
    for (int k = 0; k <= n_pixel; ++k) {
      gauss_hermite_edge((offset + k - 0.5) / sigma, degree, high, 1);
      for (int m = 0; m <= degree; ++m) {
        if (k > 0) out[m][k - 1] = high[m] - low[m];
        low[m] = high[m];
      }
    }
  }

  UNFOLD_HD void operator()(compute::Index i) const {
    const compute::Index fibre = i / stamps.extent[1], wave = i % stamps.extent[1];
    const int height = static_cast<int>(stamps.extent[2]),
              width = static_cast<int>(stamps.extent[3]);
    double x[kMaxDegree + 1][2 * kMaxHalfSize + 1], y[kMaxDegree + 1][2 * kMaxHalfSize + 1];
    integrate(offset_x(fibre, wave), parameter(kSigmaX, fibre, wave), width, degree_x, x);
    integrate(offset_y(fibre, wave), parameter(kSigmaY, fibre, wave), height, degree_y, y);
    double* stamp = &stamps(fibre, wave, 0, 0);
    for (int p = 0; p < height * width; ++p) stamp[p] = 0;
    for (int j = 0; j <= degree_y; ++j) {
      double along_x[2 * kMaxHalfSize + 1] = {};
      for (int term = 0; term <= degree_x; ++term) {
        const double c = parameter(kFirstGh + term * (degree_y + 1) + j, fibre, wave);
        for (int k = 0; k < width; ++k) along_x[k] += c * x[term][k];
      }
      for (int r = 0; r < height; ++r) {
        for (int k = 0; k < width; ++k) stamp[r * width + k] += y[j][r] * along_x[k];
      }
    }
    double total = 0;
    for (int p = 0; p < height * width; ++p) {
      stamp[p] = stamp[p] > 0 ? stamp[p] : 0;
      total += stamp[p];
    }
    for (int p = 0; p < height * width; ++p) stamp[p] = total > 0 ? stamp[p] / total : 0;
  }
};

}  // namespace unfold::extraction
