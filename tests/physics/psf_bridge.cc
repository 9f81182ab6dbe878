#include "tests/physics/psf_bridge.h"

#include <algorithm>

namespace unfold::physics {
namespace {

void copy_row(const fits::LegendreSet& from, int param, extraction::LegendreSet& to) {
  for (int spec = 0; spec < to.n_spec; ++spec) {
    const double* row = from.coefficients.data() + spec * from.ncoef;
    std::copy(row, row + from.ncoef, to.row(param, spec));
  }
}

extraction::LegendreSet trace_of(const fits::LegendreSet& from, int nspec) {
  extraction::LegendreSet to = {from.wave_min, from.wave_max, 1, nspec, from.ncoef, {}};
  to.coef = from.coefficients;
  return to;
}

}  // namespace

extraction::PsfShape shape_of(const fits::Psf& psf) {
  extraction::PsfShape shape;
  shape.n_spec = psf.nspec;
  shape.npix_x = psf.npix_x;
  shape.npix_y = psf.npix_y;
  shape.half_size_x = psf.hsize_x;
  shape.half_size_y = psf.hsize_y;
  shape.degree_x = psf.core.degree_x;
  shape.degree_y = psf.core.degree_y;
  const fits::LegendreSet& model = psf.core.sigma_x;
  shape.params = {model.wave_min, model.wave_max, shape.n_rows(), psf.nspec, model.ncoef, {}};
  shape.params.coef.assign(static_cast<std::size_t>(shape.n_rows()) *
                               static_cast<std::size_t>(psf.nspec) *
                               static_cast<std::size_t>(model.ncoef),
                           0.0);
  copy_row(psf.core.sigma_x, extraction::kSigmaX, shape.params);
  copy_row(psf.core.sigma_y, extraction::kSigmaY, shape.params);
  copy_row(psf.tail.amplitude, extraction::kTailAmplitude, shape.params);
  copy_row(psf.tail.core, extraction::kTailCore, shape.params);
  copy_row(psf.tail.x_scale, extraction::kTailScaleX, shape.params);
  copy_row(psf.tail.y_scale, extraction::kTailScaleY, shape.params);
  copy_row(psf.tail.index, extraction::kTailIndex, shape.params);
  for (int i = 0; i <= shape.degree_x; ++i) {
    for (int j = 0; j <= shape.degree_y; ++j) {
      copy_row(psf.core.term(i, j), shape.gh_row(i, j), shape.params);
    }
  }
  return shape;
}

extraction::PsfTraces traces_of(const fits::Psf& psf) {
  return {trace_of(psf.x, psf.nspec), trace_of(psf.y, psf.nspec)};
}

}  // namespace unfold::physics
