#include "common/plan/extraction_plan.h"

#include <algorithm>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/preproc.h"
#include "common/plan/barycentric.h"
#include "common/plan/device_memory.h"
#include "common/plan/extraction_options.h"
#include "common/plan/files.h"
#include "common/plan/presets.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

// Seconds of two cores, measured with whole r frames; only their order matters to placement.
constexpr double kPatchSecondsPerBin = 4e-6;
constexpr double kStripSecondsPerBin = 2.5e-6;
constexpr double kNoiseSecondsPerBin = 4e-4;
constexpr double kReadBytesPerSecond = 4e8;
constexpr double kLoadSeconds = 0.05;
constexpr std::int64_t kPixelBytes = 32;    // file, image, ivar and mask at the peak
constexpr std::int64_t kBinBytes = 48;      // flux, ivar, chi2pix, fractions, masks
constexpr std::int64_t kDiagonalBytes = 8;  // resolution, extracted and as written

// What a plan reads.
struct Inputs {
  InputFile image_file;
  InputFile psf_file;
  std::optional<InputFile> fibermap_file;
  fits::PreprocSummary image;
  fits::Psf psf;
  fits::PsfSummary psf_summary;
  fits::Header fibermap;
  std::optional<std::int64_t> fibermap_rows;
};

fits::PsfSummary summary_of(const fits::Psf& psf) {
  fits::PsfSummary out;
  out.type = psf.type;
  out.version = psf.version;
  out.nspec = psf.nspec;
  out.fiber_min = psf.fiber_min;
  out.npix_x = psf.npix_x;
  out.npix_y = psf.npix_y;
  out.hsize_x = psf.hsize_x;
  out.hsize_y = psf.hsize_y;
  out.wave_min = psf.wave_min;
  out.wave_max = psf.wave_max;
  out.psferr = psf.psferr;
  return out;
}

absl::Status read_fibermap(const Roots& roots, const std::string& path, Inputs& out) {
  constexpr char kField[] = "extraction.fibermap";
  UNFOLD_ASSIGN_OR_RETURN(out.fibermap_file, open_input(roots, path, kField));
  const auto table =
      fits::read_fibermap(out.fibermap_file->handle.proc_path(), out.fibermap_file->rooted);
  if (!table.ok()) return with_field(table.status(), kField);
  out.fibermap = table->header;
  out.fibermap_rows = table->rows;
  return absl::OkStatus();
}

absl::StatusOr<Inputs> read_inputs(const v1::ExtractionSpec& spec, const Roots& roots) {
  Inputs out;
  UNFOLD_ASSIGN_OR_RETURN(out.image_file, open_input(roots, spec.image(), "extraction.image"));
  UNFOLD_ASSIGN_OR_RETURN(out.psf_file, open_input(roots, spec.psf(), "extraction.psf"));
  auto psf = fits::read_psf(out.psf_file.handle.proc_path(), out.psf_file.rooted);
  if (!psf.ok()) return with_field(psf.status(), "extraction.psf");
  out.psf = *std::move(psf);
  out.psf_summary = summary_of(out.psf);
  auto image = fits::read_preproc_summary(out.image_file.handle.proc_path(), out.image_file.rooted);
  if (!image.ok()) return with_field(image.status(), "extraction.image");
  out.image = *std::move(image);
  if (!spec.fibermap().empty()) {
    UNFOLD_RETURN_IF_ERROR(read_fibermap(roots, spec.fibermap(), out));
  } else if (out.image.has_fibermap) {
    out.fibermap = out.image.fibermap_header;
    out.fibermap_rows = out.image.fibermap_rows;
  }
  return out;
}

absl::Status check_sizes(const Inputs& inputs) {
  const auto& [image, psf] = std::tie(inputs.image, inputs.psf);
  if (image.nx == psf.npix_x && image.ny == psf.npix_y) return absl::OkStatus();
  return refuse("extraction.psf", "WRONG_SHAPE",
                absl::StrCat("the PSF \"", inputs.psf_file.rooted, "\" does not fit the image"),
                absl::StrCat("it is for a CCD of ", psf.npix_x, " x ", psf.npix_y,
                             ", the image has ", image.nx, " x ", image.ny),
                "give the PSF of the image's camera");
}

absl::Status check_fibermap(const Inputs& inputs, const v1::ExtractionSpec& spec) {
  const std::int64_t needed = std::int64_t{spec.specmin()} + spec.nspec();
  if (!inputs.fibermap_rows || *inputs.fibermap_rows >= needed) return absl::OkStatus();
  const bool own = inputs.fibermap_file.has_value();
  return refuse(own ? "extraction.fibermap" : "extraction.image", "WRONG_SHAPE",
                absl::StrCat("the FIBERMAP has ", *inputs.fibermap_rows, " rows"),
                absl::StrCat("specmin + nspec is ", needed),
                "extract fewer fibres, or give another --fibermap");
}

absl::Status complete_camera(const Inputs& inputs, v1::ExtractionSpec& spec, v1::Plan& plan) {
  if (!spec.camera().empty() && !is_camera(spec.camera())) {
    return refuse("extraction.camera", "OUT_OF_RANGE",
                  absl::StrCat("\"", spec.camera(), "\" is no camera"),
                  "a camera is b, r or z and a digit", "for example r0");
  }
  const bool image_knows = is_camera(inputs.image.camera);
  if (spec.camera().empty() && image_knows) spec.set_camera(inputs.image.camera);
  if (image_knows && spec.camera() != inputs.image.camera) {
    return refuse("extraction.camera", "WRONG_CAMERA",
                  absl::StrCat("extraction.camera is ", spec.camera()),
                  absl::StrCat("the image's CAMERA is ", inputs.image.camera),
                  "leave it out, or give the right image");
  }
  if (is_camera(inputs.psf.camera) && is_camera(spec.camera()) &&
      inputs.psf.camera != spec.camera()) {
    plan.add_warnings(absl::StrCat("the PSF says it is of camera ", inputs.psf.camera,
                                   ", the image is of ", spec.camera()));
  }
  if (!spec.camera().empty()) (*plan.mutable_facts())["camera"] = spec.camera();
  return absl::OkStatus();
}

absl::Status check_barycentric(const Inputs& inputs, v1::Plan& plan) {
  const auto pointing = pointing_of(inputs.image.header, inputs.fibermap);
  if (!pointing.ok()) return with_field(pointing.status(), "extraction.barycentric_correction");
  (*plan.mutable_facts())["barycentric_factor"] =
      absl::StrCat("1 + ", barycentric_factor(*pointing) - 1);
  return absl::OkStatus();
}

absl::Status plan_outputs(const Inputs& inputs, const v1::JobSpec& job, const Roots& roots,
                          v1::ExtractionSpec& spec, v1::Plan& plan) {
  OutputFiles outputs(roots, {job.overwrite(), job.parents()});
  for (const v1::InputIdentity& input : plan.inputs()) outputs.protect(input);
  const std::int64_t bins = std::int64_t{spec.nspec()} * bin_count(spec.wavelength());
  UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_output(), outputs.add(spec.output(), "extraction.output"));
  v1::OutputFile* frame = plan.add_outputs();
  frame->set_path(spec.output());
  frame->set_size_bytes(bins * 4 * (4 + 2 * inputs.psf.hsize_y + 1));
  if (spec.model().empty()) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(*spec.mutable_model(), outputs.add(spec.model(), "extraction.model"));
  v1::OutputFile* model = plan.add_outputs();
  model->set_path(spec.model());
  model->set_size_bytes(std::int64_t{4} * inputs.image.nx * inputs.image.ny);
  return absl::OkStatus();
}

std::int64_t bytes_of(const fits::Psf& psf) {
  const std::int64_t terms = static_cast<std::int64_t>(psf.core.terms.size()) +
                             (psf.second ? static_cast<std::int64_t>(psf.second->terms.size()) : 0);
  return (terms + 12) * psf.nspec * std::max(psf.core.sigma_x.ncoef, 1) *
         static_cast<std::int64_t>(sizeof(double));
}

ExtractionSize size_of(const Inputs& inputs, const v1::ExtractionSpec& spec) {
  const fits::Psf& psf = inputs.psf;
  const std::int64_t waves = bin_count(spec.wavelength());
  const bool strips = spec.mode() == v1::EXTRACTION_MODE_STRIPS;
  return {.fibres = spec.nspec(),
          .waves = waves,
          .core_fibres = spec.bundlesize() / spec.nsubbundles(),
          .core_waves = strips ? waves : std::int64_t{spec.nwavestep()},
          .stamp_x = 2 * psf.hsize_x + 1,
          .stamp_y = 2 * psf.hsize_y + 1,
          .ccd_pixels = std::int64_t{psf.npix_x} * psf.npix_y,
          .rows_per_bin = spec.wavelength().step() * psf.npix_y / (psf.wave_max - psf.wave_min),
          .noise = spec.decorrelate() == v1::DECORRELATION_NOISE};
}

void predict(const Inputs& inputs, const v1::ExtractionSpec& spec, v1::Plan& plan) {
  const std::int64_t bins = std::int64_t{spec.nspec()} * bin_count(spec.wavelength());
  const std::int64_t pixels = std::int64_t{inputs.image.nx} * inputs.image.ny;
  const std::int64_t diagonals = 2 * inputs.psf.hsize_y + 1;
  const double seconds_per_bin = spec.decorrelate() == v1::DECORRELATION_NOISE ? kNoiseSecondsPerBin
                                 : spec.mode() == v1::EXTRACTION_MODE_STRIPS   ? kStripSecondsPerBin
                                                                             : kPatchSecondsPerBin;
  plan.set_response_key(psf_shape_key(inputs.psf));
  plan.set_response_bytes(bytes_of(inputs.psf));
  plan.set_host_bytes(pixels * (kPixelBytes + (spec.model().empty() ? 0 : 4)) +
                      bins * (kBinBytes + diagonals * kDiagonalBytes));
  plan.set_device_bytes(device_bytes(size_of(inputs, spec)));
  plan.set_load_seconds(kLoadSeconds);
  plan.set_run_seconds(static_cast<double>(bins) * seconds_per_bin +
                       static_cast<double>(pixels * 12) / kReadBytesPerSecond);
  auto& facts = *plan.mutable_facts();
  facts["fibres"] = absl::StrCat(spec.nspec(), " from ", spec.specmin());
  facts["bins"] = absl::StrCat(bins);
  facts["wavelength"] = absl::StrCat(spec.wavelength().min(), ",", spec.wavelength().max(), ",",
                                     spec.wavelength().step());
  facts["psf"] = absl::StrCat(
      inputs.psf.type == fits::PsfType::kGaussHermite2 ? "GAUSS-HERMITE2" : "GAUSS-HERMITE",
      " version ", inputs.psf.version);
}

class Digest {
 public:
  void add(double value) { sha_.update(std::as_bytes(std::span(&value, 1))); }
  void add(const fits::LegendreSet& set) {
    add(set.ncoef);
    add(set.wave_min);
    add(set.wave_max);
    sha_.update(std::as_bytes(std::span(set.coefficients)));
  }
  void add(const fits::GaussHermiteCore& core) {
    add(core.degree_x);
    add(core.degree_y);
    add(core.sigma_x);
    add(core.sigma_y);
    for (const fits::LegendreSet& term : core.terms) add(term);
  }
  std::string hex() { return sha_.hex(); }

 private:
  Sha256 sha_;
};

}  // namespace

std::string psf_shape_key(const fits::Psf& psf) {
  Digest digest;
  for (const int number : {static_cast<int>(psf.type), psf.nspec, psf.fiber_min, psf.npix_x,
                           psf.npix_y, psf.hsize_x, psf.hsize_y}) {
    digest.add(number);
  }
  digest.add(psf.core);
  if (psf.second) digest.add(*psf.second);
  for (const fits::LegendreSet* set : {&psf.core_radius, &psf.tail.amplitude, &psf.tail.core,
                                       &psf.tail.x_scale, &psf.tail.y_scale, &psf.tail.index}) {
    digest.add(*set);
  }
  return absl::StrCat("psf-", digest.hex().substr(0, 32));
}

absl::StatusOr<Planned> plan_extraction(const v1::JobSpec& job, const Roots& roots) {
  Planned out{.spec = job, .plan = {}};
  v1::ExtractionSpec& spec = *out.spec.mutable_extraction();
  UNFOLD_ASSIGN_OR_RETURN(const Inputs inputs, read_inputs(spec, roots));
  spec.set_image(inputs.image_file.rooted);
  spec.set_psf(inputs.psf_file.rooted);
  *out.plan.add_inputs() = inputs.image_file.identity;
  *out.plan.add_inputs() = inputs.psf_file.identity;
  if (inputs.fibermap_file) {
    spec.set_fibermap(inputs.fibermap_file->rooted);
    *out.plan.add_inputs() = inputs.fibermap_file->identity;
  }
  UNFOLD_RETURN_IF_ERROR(check_sizes(inputs));
  UNFOLD_RETURN_IF_ERROR(complete_options(inputs.psf_summary, spec));
  UNFOLD_RETURN_IF_ERROR(check_fibermap(inputs, spec));
  UNFOLD_RETURN_IF_ERROR(complete_camera(inputs, spec, out.plan));
  if (spec.barycentric_correction()) {
    UNFOLD_RETURN_IF_ERROR(check_barycentric(inputs, out.plan));
  }
  UNFOLD_RETURN_IF_ERROR(plan_outputs(inputs, job, roots, spec, out.plan));
  predict(inputs, spec, out.plan);
  return out;
}

}  // namespace unfold::plan
