#include "workers/engines/extraction/frame_of.h"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/formats/fits/frame_products.h"

namespace unfold::engine {
namespace {

std::vector<float> narrowed(std::vector<double>& values, double factor) {
  std::vector<float> out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = static_cast<float>(values[i] * factor);
  std::vector<double>().swap(values);
  return out;
}

/// numpy.arange(min, max + step/2, step), as the reference makes its grid.
int grid_size(const v1::WavelengthGrid& grid) {
  return static_cast<int>(std::ceil((grid.max() + grid.step() / 2 - grid.min()) / grid.step()));
}

bool uses_tails(const v1::ExtractionSpec& spec, const PsfResponse& psf) {
  return spec.psf_tails() != v1::PSF_TAILS_OFF && psf.has_tails;
}

/// Every option that shaped the numbers, as people gave it.
std::vector<std::pair<std::string, std::string>> parameters_of(const extraction::Options& o,
                                                               const v1::ExtractionSpec& spec) {
  const bool strips = o.mode == extraction::Mode::kStrips;
  const bool noise = o.decorrelate == extraction::Decorrelate::kNoise;
  return {{"mode", strips ? "strips" : "patches"},
          {"specmin", absl::StrCat(o.spec_min)},
          {"nspec", absl::StrCat(o.n_spec)},
          {"bundlesize", absl::StrCat(o.bundle_size)},
          {"nsubbundles", absl::StrCat(o.n_subbundles)},
          {"nwavestep", absl::StrCat(o.n_wave_step)},
          {"wavepad", absl::StrCat(o.wave_pad)},
          {"wavepad_frac", absl::StrCat(o.wave_pad_frac)},
          {"pixpad_frac", absl::StrCat(o.pixel_pad_frac)},
          {"regularize", absl::StrCat(o.regularize)},
          {"psferr", absl::StrCat(o.psf_error)},
          {"decorrelate", noise ? "noise" : "signal"},
          {"psf_tails", o.tails == extraction::Tails::kOn ? "on" : "off"},
          {"mask_bits",
           absl::StrCat(spec.has_mask_bits() ? spec.mask_bits() : fits::kExtractionMaskBits)}};
}

fits::FrameCards cards_of(const extraction::Options& options, const v1::ExtractionSpec& spec,
                          const ExtractionImage& image, const LoadedPsf& psf,
                          const std::string& job_id, const std::string& response_key) {
  fits::FrameCards cards;
  cards.nspec = options.n_spec;
  cards.wave_min = options.wavelength.first;
  cards.wave_max = options.wavelength.label(options.wavelength.size - 1);
  cards.wave_step = options.wavelength.step;
  cards.in_psf = spec.psf();
  cards.in_image = spec.image();
  cards.orig_psf = psf.file->in_psf;
  if (spec.barycentric_correction()) cards.heliocentric_factor = image.barycentric_factor;
  cards.psf_is_psfnight = spec.psf_is_psfnight();
  cards.fiber_min = fits::first_fibre(image.fibermap, psf.response->fiber_min + options.spec_min);
  cards.job_id = job_id;
  cards.image_sha256 = image.preproc.sha256;
  cards.psf_sha256 = psf.file->sha256;
  cards.fibermap_sha256 = image.fibermap_sha256;
  cards.response_key = response_key;
  cards.parameters = parameters_of(options, spec);
  return cards;
}

std::vector<std::uint32_t> mask_of(const fits::Frame& frame, extraction::Spectra& spectra) {
  std::vector<std::uint8_t> off_ccd(spectra.flags.size());
  for (std::size_t i = 0; i < off_ccd.size(); ++i) {
    off_ccd[i] = (spectra.flags[i] & extraction::kOffCcd) != 0 ? 1 : 0;
  }
  const std::vector<float> pixmask_fraction = narrowed(spectra.pixmask_fraction, 1);
  return fits::frame_mask({.nspec = frame.nspec,
                           .nwave = frame.nwave,
                           .pixmask_fraction = pixmask_fraction,
                           .chi2pix = frame.chi2pix,
                           .ivar = frame.ivar,
                           .off_ccd = off_ccd});
}

}  // namespace

extraction::Options options_of(const v1::ExtractionSpec& spec, double barycentric_factor,
                               const PsfResponse& psf) {
  extraction::Options options;
  const auto set = [](auto& option, bool given, auto value) {
    if (given) option = value;
  };
  options.wavelength = {spec.wavelength().min(), spec.wavelength().step(),
                        grid_size(spec.wavelength()), barycentric_factor};
  options.n_spec = psf.shape.n_spec;
  set(options.spec_min, spec.has_specmin(), spec.specmin());
  set(options.n_spec, spec.has_nspec(), spec.nspec());
  set(options.bundle_size, spec.has_bundlesize(), spec.bundlesize());
  set(options.n_subbundles, spec.has_nsubbundles(), spec.nsubbundles());
  set(options.n_wave_step, spec.has_nwavestep(), spec.nwavestep());
  set(options.wave_pad, spec.has_wavepad(), spec.wavepad());
  set(options.wave_pad_frac, spec.has_wavepad_frac(), spec.wavepad_frac());
  set(options.pixel_pad_frac, spec.has_pixpad_frac(), spec.pixpad_frac());
  set(options.regularize, spec.has_regularize(), spec.regularize());
  set(options.psf_error, spec.has_psferr(), spec.psferr());
  options.tails = uses_tails(spec, psf) ? extraction::Tails::kOn : extraction::Tails::kOff;
  options.mode = spec.mode() == v1::EXTRACTION_MODE_STRIPS ? extraction::Mode::kStrips
                                                           : extraction::Mode::kPatches;
  options.decorrelate = spec.decorrelate() == v1::DECORRELATION_NOISE
                            ? extraction::Decorrelate::kNoise
                            : extraction::Decorrelate::kSignal;
  options.model_image = !spec.model().empty();
  return options;
}

fits::Frame frame_of(extraction::Spectra spectra, const extraction::Options& options,
                     const v1::ExtractionSpec& spec, const ExtractionImage& image,
                     const LoadedPsf& psf, const std::string& job_id,
                     const std::string& response_key) {
  const double step = options.wavelength.step;
  fits::Frame frame;
  frame.nspec = spectra.n_spec;
  frame.nwave = spectra.n_wave;
  frame.ndiag = spectra.n_diag;
  for (int i = 0; i < frame.nwave; ++i) frame.wavelength.push_back(options.wavelength.label(i));
  frame.flux = narrowed(spectra.flux, 1 / step);
  frame.ivar = narrowed(spectra.ivar, step * step);
  frame.chi2pix = narrowed(spectra.chi2pix, 1);
  frame.resolution = std::move(spectra.resolution);
  frame.mask = mask_of(frame, spectra);
  frame.fibermap = image.fibermap;
  frame.header = fits::frame_header(image.preproc.header,
                                    cards_of(options, spec, image, psf, job_id, response_key));
  if (!spec.no_scores()) {
    frame.scores =
        fits::compute_scores(frame, spec.camera().empty() ? image.preproc.camera : spec.camera());
  }
  return frame;
}

std::map<std::string, double> summary_of(const fits::Frame& frame) {
  const auto bins = static_cast<double>(frame.ivar.size());
  double with_weight = 0;
  double masked = 0;
  double chi2 = 0;
  for (std::size_t i = 0; i < frame.ivar.size(); ++i) {
    masked += frame.mask[i] != 0 ? 1 : 0;
    if (frame.ivar[i] <= 0) continue;
    with_weight += 1;
    chi2 += static_cast<double>(frame.chi2pix[i]);
  }
  return {{"bins", bins},
          {"chi2_per_dof", with_weight > 0 ? chi2 / with_weight : 0},
          {"masked_fraction", bins > 0 ? masked / bins : 0},
          {"no_weight_fraction", bins > 0 ? 1 - with_weight / bins : 0}};
}

}  // namespace unfold::engine
