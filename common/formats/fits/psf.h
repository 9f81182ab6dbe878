#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::fits {

struct LoadedFile;

/// One parameter of every fibre as Legendre coefficients over its own wavelength domain:
///   value(fibre, w) = sum_k coefficients[fibre, k] P_k(t),
///   t = 2 (w - wave_min) / (wave_max - wave_min) - 1      (not clamped).
/// An absent parameter has no coefficients (ncoef 0) and stands for 0.
struct LegendreSet {
  int ncoef = 0;
  double wave_min = 0;               ///< Angstrom
  double wave_max = 0;               ///< Angstrom
  std::vector<double> coefficients;  ///< [nspec, ncoef]
};

/// One Gauss-Hermite core. terms[i + j * (degree_x + 1)] is GH-i-j, i in x, j in y.
struct GaussHermiteCore {
  int degree_x = 0;
  int degree_y = 0;
  LegendreSet sigma_x;  ///< pixels
  LegendreSet sigma_y;  ///< pixels
  std::vector<LegendreSet> terms;

  const LegendreSet& term(int i, int j) const {
    return terms[static_cast<std::size_t>(i) +
                 static_cast<std::size_t>(j) * (static_cast<std::size_t>(degree_x) + 1)];
  }
};

/// Power-law tail: amplitude r2 / (core^2 + r2)^(1 + index/2), r2 = (dx x_scale)^2 + (dy
/// y_scale)^2.
struct PsfTail {
  LegendreSet amplitude;
  LegendreSet core;
  LegendreSet x_scale;
  LegendreSet y_scale;
  LegendreSet index;
  /// True where any amplitude coefficient differs from 0.
  bool present() const;
};

enum class PsfType { kGaussHermite, kGaussHermite2 };

/// A DESI PSF file: GAUSS-HERMITE version 3 (HDUs XTRACE, YTRACE, PSF), GAUSS-HERMITE version 2
/// (one table with rows X and Y) or GAUSS-HERMITE2 (two cores). Coefficient counts may differ
/// between parameters. Pixel (0, 0) is the centre of the first pixel; x runs across fibres, y along
/// wavelength. Source: extraction notes, section a; specex writes these files.
struct Psf {
  PsfType type = PsfType::kGaussHermite;
  int version = 3;
  int nspec = 0;
  int fiber_min = 0;
  int npix_x = 0;
  int npix_y = 0;
  int hsize_x = 0;  ///< stamp is 2 hsize_x + 1 columns
  int hsize_y = 0;
  double wave_min = 0;  ///< the range the file claims: PSF table's WAVEMIN
  double wave_max = 0;
  LegendreSet x;  ///< trace, pixels
  LegendreSet y;
  GaussHermiteCore core;
  std::optional<GaussHermiteCore> second;  ///< GAUSS-HERMITE2 only
  LegendreSet core_radius;                 ///< GHNSIG of GAUSS-HERMITE2, in sigmas
  PsfTail tail;
  std::optional<double> psferr;  ///< PSFERR card (PSFERROR, which specex writes, is another thing)
  std::string camera;            ///< "r0", or empty
  std::string in_psf;            ///< IN_PSF card: the PSF this one was shifted from, or empty
  std::string sha256;            ///< of the file's bytes as stored; empty when not read from a file
};

/// What headers alone tell; for planning. Fields as in Psf.
struct PsfSummary {
  PsfType type = PsfType::kGaussHermite;
  int version = 3;
  int nspec = 0;
  int fiber_min = 0;
  int npix_x = 0;
  int npix_y = 0;
  int hsize_x = 0;
  int hsize_y = 0;
  int degree_x = 0;
  int degree_y = 0;
  double wave_min = 0;
  double wave_max = 0;
  std::optional<double> psferr;
  std::string camera;
  std::string in_psf;
};

/// Reads and checks a PSF. `path` may be /proc/self/fd/N; messages show `shown` instead when it is
/// not empty. Every number is finite, sigmas have positive constant terms, shapes agree. Errors:
/// those of scan() (scan.h), WRONG_TYPE for another kind of file (an image, an unsupported PSF
/// type), MISSING_HDU, MISSING_HEADER_VALUE, BAD_HEADER_VALUE, WRONG_SHAPE.
absl::StatusOr<Psf> read_psf(const std::string& path, const std::string& shown = {});

/// The same of a file that is in memory and scanned.
absl::StatusOr<Psf> parse_psf(const LoadedFile& file);

/// Reads only the headers. The same errors, as far as headers show them.
absl::StatusOr<PsfSummary> read_psf_summary(const std::string& path, const std::string& shown = {});

/// Writes GAUSS-HERMITE version 3 (nspec, sizes, cores and tail of `psf`; one core only). All
/// parameters of the table must share one ncoef and domain.
absl::Status write_psf(const std::string& path, const Psf& psf);

}  // namespace unfold::fits
