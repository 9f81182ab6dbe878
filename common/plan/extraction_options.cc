#include "common/plan/extraction_options.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/preproc.h"
#include "common/plan/ranges.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

constexpr double kDefaultStep = 0.8;
constexpr int kDefaultSpectra = 500;
constexpr int kMaxBins = 100'000;

std::string field(const char* name) { return absl::StrCat("extraction.", name); }

absl::Status bad_range(const char* name, double value, const std::string& wanted) {
  return out_of_range(field(name), absl::StrCat(value), wanted);
}

absl::Status check_grid(const fits::PsfSummary& psf, const v1::WavelengthGrid& grid) {
  if (!(grid.step() > 0 && std::isfinite(grid.step()))) {
    return bad_range("wavelength.step", grid.step(), "a positive number of Angstrom");
  }
  if (!(grid.min() > 0 && std::isfinite(grid.min()))) {
    return bad_range("wavelength.min", grid.min(), "a positive number of Angstrom");
  }
  if (!(grid.max() >= grid.min() && std::isfinite(grid.max()))) {
    return bad_range("wavelength.max", grid.max(), "at least wavelength.min");
  }
  if ((grid.max() - grid.min()) / grid.step() > kMaxBins) {
    return refuse(field("wavelength.step"), "TOO_LARGE",
                  absl::StrCat("the wavelength grid has more than ", kMaxBins, " bins"),
                  absl::StrCat("its step is ", grid.step()), "choose a larger step");
  }
  const bool low = grid.min() < psf.wave_min;
  if (!low && grid.max() <= psf.wave_max) return absl::OkStatus();
  const char* name = low ? "wavelength.min" : "wavelength.max";
  return refuse(field(name), "OUTSIDE_PSF",
                absl::StrCat(field(name), " is ", low ? grid.min() : grid.max()),
                absl::StrCat("the PSF describes ", psf.wave_min, " to ", psf.wave_max),
                "choose a range inside it; padding may exceed it");
}

absl::Status check_divides(const char* name, int value, const char* by, int divisor) {
  if (value % divisor == 0) return absl::OkStatus();
  return refuse(field(name), "NOT_DIVISIBLE", absl::StrCat(field(name), " is ", value),
                absl::StrCat("it must be a multiple of ", by, ", ", divisor),
                absl::StrCat("choose a multiple of ", divisor));
}

absl::Status check_fibres(const fits::PsfSummary& psf, const v1::ExtractionSpec& spec) {
  UNFOLD_RETURN_IF_ERROR(check_number(field("bundlesize"), spec.bundlesize(), 1, psf.nspec));
  UNFOLD_RETURN_IF_ERROR(
      check_number(field("nsubbundles"), spec.nsubbundles(), 1, spec.bundlesize()));
  if (spec.bundlesize() % spec.nsubbundles() != 0) {
    return refuse(field("nsubbundles"), "NOT_DIVISIBLE",
                  absl::StrCat(field("nsubbundles"), " is ", spec.nsubbundles()),
                  absl::StrCat("it must divide bundlesize, ", spec.bundlesize()),
                  "choose a divisor");
  }
  UNFOLD_RETURN_IF_ERROR(check_number(field("specmin"), spec.specmin(), 0, psf.nspec - 1));
  UNFOLD_RETURN_IF_ERROR(check_number(field("nspec"), spec.nspec(), 1, psf.nspec - spec.specmin()));
  UNFOLD_RETURN_IF_ERROR(check_divides("specmin", spec.specmin(), "bundlesize", spec.bundlesize()));
  return check_divides("nspec", spec.nspec(), "bundlesize", spec.bundlesize());
}

absl::Status check_method(const v1::ExtractionSpec& spec) {
  UNFOLD_RETURN_IF_ERROR(check_number(field("nwavestep"), spec.nwavestep(), 1, kMaxBins));
  UNFOLD_RETURN_IF_ERROR(check_number(field("wavepad"), spec.wavepad(), 0, 1000));
  UNFOLD_RETURN_IF_ERROR(check_number(field("wavepad_frac"), spec.wavepad_frac(), 0, 10));
  UNFOLD_RETURN_IF_ERROR(check_number(field("pixpad_frac"), spec.pixpad_frac(), 0, 1));
  UNFOLD_RETURN_IF_ERROR(check_number(field("regularize"), spec.regularize(), 0, 1e6));
  UNFOLD_RETURN_IF_ERROR(check_number(field("psferr"), spec.psferr(), 0, 10));
  UNFOLD_RETURN_IF_ERROR(check_number(field("decorrelate"), spec.decorrelate(), 1, 2));
  UNFOLD_RETURN_IF_ERROR(check_number(field("mode"), spec.mode(), 1, 2));
  UNFOLD_RETURN_IF_ERROR(check_number(field("psf_tails"), spec.psf_tails(), 1, 2));
  if (spec.decorrelate() == v1::DECORRELATION_NOISE && spec.mode() == v1::EXTRACTION_MODE_STRIPS) {
    return refuse(field("decorrelate"), "UNSUPPORTED",
                  "noise decorrelation does not go with --mode strips",
                  "it needs all bins of a patch together", "use --mode patches");
  }
  return absl::OkStatus();
}

void fill_defaults(const fits::PsfSummary& psf, v1::ExtractionSpec& spec) {
  if (!spec.has_wavelength()) {
    spec.mutable_wavelength()->set_min(psf.wave_min);
    spec.mutable_wavelength()->set_max(psf.wave_max);
    spec.mutable_wavelength()->set_step(kDefaultStep);
  }
  if (!spec.has_specmin()) spec.set_specmin(0);
  if (!spec.has_nspec()) {
    spec.set_nspec(std::clamp(psf.nspec - spec.specmin(), 0, kDefaultSpectra));
  }
  if (!spec.has_bundlesize()) spec.set_bundlesize(25);
  if (!spec.has_nsubbundles()) spec.set_nsubbundles(5);
  if (!spec.has_nwavestep()) spec.set_nwavestep(50);
  if (!spec.has_wavepad()) spec.set_wavepad(10);
  if (!spec.has_wavepad_frac()) spec.set_wavepad_frac(0.2);
  if (!spec.has_pixpad_frac()) spec.set_pixpad_frac(0.8);
  if (!spec.has_regularize()) spec.set_regularize(0);
  if (!spec.has_psferr()) spec.set_psferr(psf.psferr.value_or(0.01));
  if (!spec.has_mask_bits()) spec.set_mask_bits(fits::kExtractionMaskBits);
  if (spec.decorrelate() == v1::DECORRELATION_UNSPECIFIED) {
    spec.set_decorrelate(v1::DECORRELATION_SIGNAL);
  }
  if (spec.mode() == v1::EXTRACTION_MODE_UNSPECIFIED) spec.set_mode(v1::EXTRACTION_MODE_PATCHES);
  if (spec.psf_tails() == v1::PSF_TAILS_UNSPECIFIED) spec.set_psf_tails(v1::PSF_TAILS_AUTO);
}

}  // namespace

int bin_count(const v1::WavelengthGrid& grid) {
  return static_cast<int>(std::ceil((grid.max() + grid.step() / 2 - grid.min()) / grid.step()));
}

absl::Status complete_options(const fits::PsfSummary& psf, v1::ExtractionSpec& spec) {
  fill_defaults(psf, spec);
  UNFOLD_RETURN_IF_ERROR(check_grid(psf, spec.wavelength()));
  UNFOLD_RETURN_IF_ERROR(check_fibres(psf, spec));
  return check_method(spec);
}

}  // namespace unfold::plan
