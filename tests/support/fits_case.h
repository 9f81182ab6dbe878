#pragma once

#include <fitsio.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/formats/fits/psf.h"
#include "workers/kernels/extraction/psf.h"

/// Reads reference cases of the shared data for tests: images by CFITSIO (independent of our own
/// reader), PSFs by common/formats. Throws std::runtime_error on any failure.
namespace unfold::test {

/// An image HDU as doubles; shape is slowest axis first.
struct FitsArray {
  std::vector<long> shape;
  std::vector<double> data;
  long extent(std::size_t axis) const { return shape.at(axis); }
};

inline FitsArray read_fits_array(const std::string& path, const std::string& name) {
  fitsfile* file = nullptr;
  int status = 0;
  fits_open_diskfile(&file, path.c_str(), READONLY, &status);
  fits_movnam_hdu(file, IMAGE_HDU, const_cast<char*>(name.c_str()), 0, &status);
  int n_axis = 0;
  long axes[9] = {};
  fits_get_img_dim(file, &n_axis, &status);
  fits_get_img_size(file, 9, axes, &status);
  FitsArray out;
  long n = 1;
  for (int i = n_axis - 1; i >= 0; --i) {
    out.shape.push_back(axes[i]);
    n *= axes[i];
  }
  long first[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  int any_null = 0;
  if (status == 0) {
    out.data.resize(static_cast<std::size_t>(n));
    fits_read_pix(file, TDOUBLE, first, n, nullptr, out.data.data(), &any_null, &status);
  }
  if (file != nullptr) {
    int ignored = 0;
    fits_close_file(file, &ignored);
  }
  if (status != 0) throw std::runtime_error("cannot read " + name + " of " + path);
  return out;
}

/// A set of Legendre series of one common domain, gathered row by row.
class LegendreGather {
 public:
  LegendreGather(int n_row, int n_spec) { set_.n_param = n_row, set_.n_spec = n_spec; }
  void add(int row, const fits::LegendreSet& from) {
    if (from.ncoef == 0) return;
    if (set_.n_coef == 0) {
      set_.n_coef = from.ncoef;
      set_.wave_min = from.wave_min;
      set_.wave_max = from.wave_max;
      set_.coef.resize(static_cast<std::size_t>(set_.n_param) *
                       static_cast<std::size_t>(set_.n_spec) *
                       static_cast<std::size_t>(set_.n_coef));
    }
    if (from.ncoef > set_.n_coef || from.wave_min != set_.wave_min ||
        from.wave_max != set_.wave_max) {
      throw std::runtime_error("PSF parameters of different domains");
    }
    for (int s = 0; s < set_.n_spec; ++s) {
      for (int k = 0; k < from.ncoef; ++k) {
        set_.row(row, s)[k] = from.coefficients[static_cast<std::size_t>(s * from.ncoef + k)];
      }
    }
  }
  extraction::LegendreSet take() { return std::move(set_); }

 private:
  extraction::LegendreSet set_;
};

struct PsfCase {
  extraction::PsfShape shape;
  extraction::PsfTraces traces;
};

inline PsfCase to_kernel_psf(const fits::Psf& psf) {
  PsfCase out;
  extraction::PsfShape& s = out.shape;
  s.model = psf.type == fits::PsfType::kGaussHermite ? extraction::PsfModel::kGaussHermite
                                                     : extraction::PsfModel::kGaussHermite2;
  s.n_spec = psf.nspec;
  s.npix_x = psf.npix_x;
  s.npix_y = psf.npix_y;
  s.half_size_x = psf.hsize_x;
  s.half_size_y = psf.hsize_y;
  s.degree_x = psf.core.degree_x;
  s.degree_y = psf.core.degree_y;
  if (psf.second) {
    s.degree2_x = psf.second->degree_x;
    s.degree2_y = psf.second->degree_y;
  }
  LegendreGather rows(s.n_rows(), s.n_spec);
  rows.add(extraction::kSigmaX, psf.core.sigma_x);
  rows.add(extraction::kSigmaY, psf.core.sigma_y);
  rows.add(extraction::kTailAmplitude, psf.tail.amplitude);
  rows.add(extraction::kTailCore, psf.tail.core);
  rows.add(extraction::kTailScaleX, psf.tail.x_scale);
  rows.add(extraction::kTailScaleY, psf.tail.y_scale);
  rows.add(extraction::kTailIndex, psf.tail.index);
  rows.add(extraction::kCoreRadius, psf.core_radius);
  for (int i = 0; i <= s.degree_x; ++i) {
    for (int j = 0; j <= s.degree_y; ++j) rows.add(s.gh_row(i, j), psf.core.term(i, j));
  }
  if (psf.second) {
    rows.add(extraction::kSigma2X, psf.second->sigma_x);
    rows.add(extraction::kSigma2Y, psf.second->sigma_y);
    for (int i = 0; i <= s.degree2_x; ++i) {
      for (int j = 0; j <= s.degree2_y; ++j) rows.add(s.gh2_row(i, j), psf.second->term(i, j));
    }
  }
  s.params = rows.take();
  LegendreGather x(1, s.n_spec), y(1, s.n_spec);
  x.add(0, psf.x);
  y.add(0, psf.y);
  out.traces = {x.take(), y.take()};
  return out;
}

inline PsfCase read_psf_case(const std::string& path) {
  const auto psf = fits::read_psf(path);
  if (!psf.ok()) throw std::runtime_error(std::string(psf.status().message()));
  return to_kernel_psf(*psf);
}

/// IMAGE and IVAR (0 where MASK is not 0) of a preproc file.
struct FrameCase {
  long n_row = 0, n_col = 0;
  std::vector<float> image, ivar;
};

inline FrameCase read_frame_case(const std::string& path) {
  const FitsArray image = read_fits_array(path, "IMAGE");
  const FitsArray ivar = read_fits_array(path, "IVAR");
  const FitsArray mask = read_fits_array(path, "MASK");
  FrameCase out;
  out.n_row = image.extent(0);
  out.n_col = image.extent(1);
  out.image.reserve(image.data.size());
  out.ivar.reserve(image.data.size());
  for (std::size_t i = 0; i < image.data.size(); ++i) {
    out.image.push_back(static_cast<float>(image.data[i]));
    out.ivar.push_back(mask.data[i] == 0 ? static_cast<float>(ivar.data[i]) : 0.0f);
  }
  return out;
}

}  // namespace unfold::test
