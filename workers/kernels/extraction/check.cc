#include <cmath>
#include <stdexcept>
#include <string>

#include "workers/kernels/extraction/extraction.h"
#include "workers/kernels/extraction/kernels.h"

namespace unfold::extraction {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument(what); }
void require(bool good, const char* what) {
  if (!good) refuse(what);
}

void check_set(const LegendreSet& set, int n_param, int n_spec, const std::string& name) {
  if (set.n_param != n_param || set.n_spec != n_spec || set.n_coef < 1) {
    refuse(name + ": coefficient table has the wrong shape");
  }
  const std::size_t n = static_cast<std::size_t>(n_param) * static_cast<std::size_t>(n_spec) *
                        static_cast<std::size_t>(set.n_coef);
  if (set.coef.size() != n) refuse(name + ": coefficient table has the wrong size");
  if (!(set.wave_max > set.wave_min) || !std::isfinite(set.wave_max - set.wave_min)) {
    refuse(name + ": wavelength domain is empty or not finite");
  }
  for (const double c : set.coef) {
    if (!std::isfinite(c)) refuse(name + ": a coefficient is not finite");
  }
}

bool within(int value, int low, int high) { return value >= low && value <= high; }

}  // namespace

void check(const PsfShape& shape, const PsfTraces& traces) {
  constexpr int kMaxPixels = 1 << 16;
  require(shape.n_spec > 0, "PSF without fibres");
  require(within(shape.npix_x, 1, kMaxPixels) && within(shape.npix_y, 1, kMaxPixels),
          "PSF: NPIX_X or NPIX_Y out of range");
  require(within(shape.half_size_x, 1, kMaxHalfSize) && within(shape.half_size_y, 1, kMaxHalfSize),
          "PSF: HSIZEX or HSIZEY out of range");
  require(within(shape.degree_x, 0, kMaxDegree) && within(shape.degree_y, 0, kMaxDegree) &&
              within(shape.degree2_x, 0, kMaxDegree) && within(shape.degree2_y, 0, kMaxDegree),
          "PSF: Gauss-Hermite degree out of range");
  check_set(shape.params, shape.n_rows(), shape.n_spec, "PSF parameters");
  check_set(traces.x, 1, shape.n_spec, "PSF x traces");
  check_set(traces.y, 1, shape.n_spec, "PSF y traces");
}

void check(const Options& o, const PsfShape& shape) {
  require(std::isfinite(o.wavelength.first) && std::isfinite(o.wavelength.step) &&
              o.wavelength.step > 0 && o.wavelength.size > 0,
          "wavelength grid is empty, not finite or not ascending");
  require(o.wavelength.barycentric_factor > 0.5 && o.wavelength.barycentric_factor < 2,
          "barycentric factor out of range");
  require(o.bundle_size > 0 && o.n_subbundles > 0 && o.bundle_size % o.n_subbundles == 0,
          "n_subbundles does not divide bundle_size");
  require(o.n_spec > 0 && o.n_spec % o.bundle_size == 0 && o.spec_min >= 0 &&
              o.spec_min % o.bundle_size == 0,
          "spec_min and n_spec are not whole bundles");
  require(o.n_spec <= shape.n_spec && o.spec_min <= shape.n_spec - o.n_spec,
          "fibres outside the PSF");
  require(o.n_wave_step > 0 && o.wave_pad >= 0 && o.wave_pad_frac >= 0 && o.wave_pad_frac <= 10 &&
              o.wave_pad <= 1000 && o.n_wave_step <= 100000,
          "n_wave_step or wave_pad out of range");
  require(o.pixel_pad_frac >= 0 && o.pixel_pad_frac <= 1, "pixel_pad_frac outside 0..1");
  require(o.regularize >= 0 && o.regularize <= 1 && o.psf_error >= 0 && o.psf_error < 10,
          "regularize or psf_error out of range");
  require(o.mode == Mode::kPatches || o.decorrelate == Decorrelate::kSignal,
          "strips cannot decorrelate noise (its systems are too large for a dense root)");
}

void check(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
           const Options& options) {
  check(shape, traces);
  check(options, shape);
  const auto fits = [&](const compute::View<const float, 2>& pixels) {
    return pixels.extent[0] == shape.npix_y && pixels.extent[1] == shape.npix_x;
  };
  require(fits(frame.image) && fits(frame.ivar), "the frame is not of the PSF's CCD size");
}

}  // namespace unfold::extraction
