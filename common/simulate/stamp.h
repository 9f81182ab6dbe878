#pragma once

#include <vector>

#include "common/formats/fits/psf.h"

namespace unfold::simulate {

/// Light of one photon at one wavelength: values [ny, nx] of the pixels whose first one is
/// (x_begin, y_begin); they sum to 1. The stamp may lie partly or wholly off the CCD.
struct Stamp {
  int x_begin = 0;
  int y_begin = 0;
  int nx = 0;
  int ny = 0;
  std::vector<double> values;
};

/// Evaluates a GAUSS-HERMITE PSF plainly, in double, straight from the definition (extraction
/// notes, section a): pixel integrals of sum_ij GH-i-j He_i(u) He_j(v) phi(u) phi(v), plus the tail
/// at the pixel's centre, negative pixels set to 0, divided by the stamp's sum. Shares no code with
/// the extraction kernels, so that each checks the other.
/// Keeps a pointer to the PSF, which must outlive it. Thread safe.
class StampEvaluator {
 public:
  enum class Tails { kHonoured, kOff };

  /// `psf.type` must be kGaussHermite (one core).
  explicit StampEvaluator(const fits::Psf& psf, Tails tails = Tails::kHonoured);

  /// Trace of row `fibre` of the PSF, pixels.
  double x(int fibre, double wavelength) const;
  double y(int fibre, double wavelength) const;

  void evaluate(int fibre, double wavelength, Stamp& stamp) const;
  Stamp evaluate(int fibre, double wavelength) const;

 private:
  void add_core(int fibre, double wavelength, double dx, double dy, Stamp& stamp) const;
  void add_tail(int fibre, double wavelength, double dx, double dy, Stamp& stamp) const;

  const fits::Psf* psf_;
  bool tails_;
};

/// Value of one parameter: sum_k coefficients[fibre, k] P_k(t); 0 where it has none.
double value_of(const fits::LegendreSet& set, int fibre, double wavelength);

}  // namespace unfold::simulate
