#include "workers/kernels/extraction/device/frame_plan.h"

#include "workers/kernels/extraction/patch.h"

namespace unfold::extraction {

namespace {

PaddedGrid checked_grid(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
                        const Options& options) {
  check(shape, traces, frame, options);
  return padded_grid(shape, traces, options);
}

}  // namespace

PsfTable table_of(const PsfShape& shape) {
  const bool second = shape.model == PsfModel::kGaussHermite2;
  return {.n_spec = shape.n_spec,
          .n_row = shape.n_rows(),
          .n_coef = shape.params.n_coef,
          .npix_x = shape.npix_x,
          .npix_y = shape.npix_y,
          .width = shape.stamp_width(),
          .height = shape.stamp_height(),
          .half_x = shape.corner_x(),
          .half_y = shape.corner_y(),
          .degree_x = shape.degree_x,
          .degree_y = shape.degree_y,
          .degree2_x = second ? shape.degree2_x : -1,
          .degree2_y = second ? shape.degree2_y : -1,
          .coef = shape.params.coef.data()};
}

FrameSpectra places_in(Spectra& spectra, std::vector<double>& unconvolved) {
  unconvolved.resize(spectra.flux.size());
  return {.flux = spectra.flux.data(),
          .ivar = spectra.ivar.data(),
          .chi2pix = spectra.chi2pix.data(),
          .pixmask_fraction = spectra.pixmask_fraction.data(),
          .unconvolved = unconvolved.data(),
          .resolution = spectra.resolution.data(),
          .flags = spectra.flags.data(),
          .bad_input_pixels = 0,
          .cancelled = false,
          .stages = {}};
}

FramePlan::FramePlan(const PsfShape& shape, const PsfTraces& traces, const FrameView& frame,
                     const Options& options)
    : grid_(checked_grid(shape, traces, frame, options)) {
  for (int bundle = 0; bundle < options.n_spec / options.bundle_size; ++bundle) {
    for (int sub = 0; sub < options.n_subbundles; ++sub) {
      for (int step = 0; step < grid_.n_patch(); ++step) {
        const PatchRange range = patch_range(options, grid_, sub, step);
        patches_.push_back({range, bundle * options.bundle_size, step * grid_.n_step()});
      }
    }
  }
  job_ = {.first_spec = options.spec_min,
          .n_spec = options.n_spec,
          .n_wave = options.wavelength.size,
          .n_grid = grid_.size(),
          .n_diag = shape.half_size_y,
          .tails = options.tails == Tails::kOn,
          .method =
              options.decorrelate == Decorrelate::kNoise ? RootMethod::kNoise : RootMethod::kPoles,
          .regularize = options.regularize,
          .psf_error = options.psf_error,
          .pixel_pad_frac = options.pixel_pad_frac,
          .shape = {shape.params.n_coef, nullptr, grid_.shape_basis()},
          .x = {traces.x.n_coef, traces.x.row(0, options.spec_min), grid_.x_basis()},
          .y = {traces.y.n_coef, traces.y.row(0, options.spec_min), grid_.y_basis()},
          .image = frame.image.data,
          .ivar = frame.ivar.data,
          .patches = patches_.data(),
          .n_patch = static_cast<int>(patches_.size()),
          .progress = nullptr,
          .cancelled = nullptr,
          .context = nullptr,
          .time_stages = false};
}

}  // namespace unfold::extraction
