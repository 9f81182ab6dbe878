#pragma once

#include <cstddef>

#include "workers/compute/host_device.h"
#include "workers/kernels/extraction/psf_parameter.h"

/// The inner loops of an extraction, built once per instruction set and chosen at start. Plain
/// pointers and sizes cross this border, because the objects behind it may share no inline function
/// with the rest of the program. Every pointer is 64-byte aligned unless said; nothing is
/// allocated.
namespace unfold::extraction {

/// Rows of stamps and images are padded to whole vectors of the widest instruction set.
inline constexpr int kVectorPad = 8;
UNFOLD_HD constexpr int round_up(int n, int multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// Stamp rows carry at least kVectorPad - 1 zeros, so that a shifted vector load stays inside.
UNFOLD_HD constexpr int stamp_stride(int width) {
  return round_up(width + kVectorPad - 1, kVectorPad);
}

/// Stamps are made kStampLanes neighbouring wavelengths at a time.
inline constexpr int kStampLanes = 8;

/// Stamps of one fibre at up to kStampLanes wavelengths: pixel-integrated Gauss-Hermite cores,
/// tail, clipped at 0 and normalised to sum 1 over the stamp.
struct StampTask {
  int width, height, stride;  ///< of a stamp in pixels; elements between its rows
  int degree_x, degree_y;
  int degree2_x, degree2_y;  ///< second core, or -1
  bool tails;
  const double* const* coef;  ///< [n_rows] Legendre coefficients [n_coef], rows as PsfParameter
  int n_coef;
  const double* basis;  ///< [n_coef, basis_stride] Legendre polynomials at the wavelengths
  std::ptrdiff_t basis_stride;
  const double* offset_x;  ///< [kStampLanes] first column minus trace centre, pixels
  const double* offset_y;  ///< [kStampLanes] first row minus trace centre, pixels
  double* const* out;      ///< [kStampLanes] stamp [height, stride], overwritten; null: not wanted
};

/// The bins of a patch in wave-major order: bin k = wave * n_fibre + fibre.
struct Bins {
  int n_fibre, n_wave;
  int width, height, stride;   ///< of a stamp
  const double* const* stamp;  ///< [n]
  const double* empty;         ///< the stamp of bins that no pixel sees
  const int* col;              ///< [n] first column of the stamp in the patch's pixels
  const int* row;              ///< [n]
  int size() const { return n_fibre * n_wave; }
};

/// Pixels of a patch. They cover every stamp of it, and vector loads past a stamp's last column;
/// weight is 0 where a pixel is masked, off the CCD or not used by the patch.
struct Pixels {
  int n_row, stride;
  const double* value;   ///< [n_row, stride]
  const double* weight;  ///< [n_row, stride]
  const double* bad;     ///< [n_row, stride] 1 where a used row has weight 0, else 0
};

/// M = A^T W A, b = A^T W p, weight = A^T W 1, bad = A^T [bad].
struct NormalTask {
  Bins bins;
  Pixels pixels;
  int half_band;         ///< bins farther apart do not overlap
  int band_stride;       ///< >= half_band + 1 + kVectorPad
  double* band;          ///< [n, band_stride] M(k, k + d) at d; zero on entry, pads stay zero
  double* rhs;           ///< [n]
  double* flux_weight;   ///< [n]
  double* bad_fraction;  ///< [n]
  double* scratch;       ///< [normal_scratch(bins)]
};

constexpr std::size_t normal_scratch(const Bins& bins) {
  return static_cast<std::size_t>((bins.height + 1) * bins.stride);
}

/// A symmetric positive definite band system, solved in place.
struct BandSystem {
  int n, half_band, band_stride;
  double* band;  ///< [n, band_stride] in: M(k, k + d); out: U(k, k + d) with M = U^T U
  double* rhs;   ///< [n + kVectorPad] in: b; out: M^-1 b; pads zero
};

/// Blocks of C = M^-1 that belong to one fibre, inside a band of waves.
struct SelectedInverseTask {
  BandSystem factor;  ///< as solved; rhs unused
  int n_fibre;
  int first_fibre, n_core;  ///< fibres whose blocks are wanted
  int reach;                ///< waves: C(w, w + q) for q <= reach
  double* ring;             ///< [ring_rows * ring_stride] scratch, overwritten
  int ring_rows;            ///< power of two > half_band
  int ring_stride;          ///< >= half_band + max(half_band, reach * n_fibre) + 1 + 4 * kVectorPad
  double* blocks;           ///< [n_core, reach + 1, block_stride] C(w, w + q) at [q, w]
  int block_stride;
};

/// S = (C block)^-1 of one fibre from the band of C: row w of its Cholesky factor solves the local
/// system C[w..w+reach] g = e1.
struct SchurTask {
  int n_wave, reach;
  const double* covariance;  ///< [reach + 1, stride] C(w, w + q) at [q, w]; beyond n_wave: q = 0
                             ///< holds 1, else 0
  int stride;                ///< >= n_wave + 3 * kVectorPad + reach
  double* factor;            ///< [reach + 1, stride] g_w(p) at [p, kLead + w], zero on entry
  double* schur;             ///< [reach + 1, stride] S(w, w + d) at [d, w], zero on entry
  double* local;             ///< [(reach + 1) * (reach + 2) / 2 + reach + 1, kVectorPad] scratch
};

/// Half widths of S that the root is built for, ascending.
inline constexpr int kReaches[] = {8, 12, 16, 24, 32};
inline constexpr int kMaxReach = 32;
/// Zeros before the first wave of SchurTask::factor.
inline constexpr int kLead = 40;

/// Q = S^(1/2) by K poles: Q = sum_j weight_j (I - pole_j (S + pole_j)^-1).
struct RootTask {
  int n_wave, reach;    ///< reach is one of kReaches
  const double* schur;  ///< [reach + 1, stride]
  int stride;
  int n_pole;            ///< multiple of kVectorPad
  const double* pole;    ///< [n_pole]
  const double* weight;  ///< [n_pole]
  const double* flux;    ///< [n_wave]
  int n_diag;            ///< <= reach
  double* scratch;       ///< [root_scratch(n_wave, reach)]
  double* result;  ///< [n_wave, n_diag + 3] (Q 1), (Q flux), Q(w, w + d) d = 0..n_diag; overwritten
};
constexpr std::size_t root_scratch(int n_wave, int reach) {
  return static_cast<std::size_t>(n_wave + reach) * static_cast<std::size_t>(reach + 4) *
         kVectorPad;
}

/// model = A flux over the patch's pixels, then the chi2 that each bin's pixels have.
struct Chi2Task {
  Bins bins;
  Pixels pixels;
  const double* flux;  ///< [n] not reconvolved
  double psf_error;
  double* model;                                     ///< [n_row, stride] overwritten
  double* chi2;                                      ///< [n_row, stride] scratch
  double* used;                                      ///< [n_row, stride] scratch
  int first_fibre, n_core, first_wave, n_core_wave;  ///< bins whose chi2pix is wanted
  double* chi2pix;                                   ///< [n_core, n_core_wave]
};

struct KernelTable {
  void (*legendre_sum)(const double* coef, int n_coef, const double* basis,
                       std::ptrdiff_t basis_stride, int n, double* out);
  void (*make_stamps)(const StampTask&);
  void (*normal_equations)(const NormalTask&);
  /// False where a pivot is not positive; the band is then spoilt.
  bool (*solve_band)(const BandSystem&);
  void (*selected_inverse)(const SelectedInverseTask&);
  /// Largest |G(w + reach, w)| / G(w + reach, w + reach) of the factor: how far S goes past reach.
  double (*schur_band)(const SchurTask&);
  void (*symmetric_root)(const RootTask&);
  void (*pixel_chi2)(const Chi2Task&);
};

}  // namespace unfold::extraction
