#include "tests/fuzz/targets.h"

#include <cmath>
#include <cstdlib>

#include "common/formats/fits/cfitsio.h"
#include "common/formats/fits/frame_products.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/formats/fits/scan.h"
#include "common/plan/barycentric.h"
#include "common/plan/extraction_options.h"
#include "common/plan/extraction_plan.h"

namespace unfold::fuzz {
namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

void require_finite(const fits::LegendreSet& set) {
  for (const double value : set.coefficients) require(std::isfinite(value));
}

fits::PsfSummary summary_of(const fits::Psf& psf) {
  fits::PsfSummary out;
  out.nspec = psf.nspec;
  out.wave_min = psf.wave_min;
  out.wave_max = psf.wave_max;
  out.psferr = psf.psferr;
  return out;
}

}  // namespace

void scan_file(std::span<const std::byte> bytes) {
  const auto file = fits::load_from_memory(bytes, "fuzz");
  if (!file.ok()) return;
  fits::checksum_problem(*file).size();
  for (const fits::Hdu& hdu : file->structure.hdus) {
    require(hdu.padded_end() <= file->bytes.contents.size);
    for (const std::string& card : hdu.header.cards()) {
      const std::string_view key = fits::keyword_of(card);
      (void)hdu.header.real(key).ok();
      (void)hdu.header.string(key).ok();
    }
    if (hdu.type == fits::HduType::kImage || hdu.compressed_image) {
      (void)fits::read_image<std::int32_t>(*file, hdu).ok();
      (void)fits::read_image<float>(*file, hdu).ok();
      (void)fits::read_image<double>(*file, hdu).ok();
      continue;
    }
    const auto table = fits::read_table(*file, hdu);
    if (!table.ok() || table->rows == 0) continue;
    for (const fits::Column& column : table->columns) {
      if (column.repeat > 0) (void)table->number(column, table->rows - 1);
      (void)table->text(column, 0);
    }
    (void)table->slice(table->rows / 2, table->rows / 3).ok();
  }
}

void read_psf_file(std::span<const std::byte> bytes) {
  const auto file = fits::load_from_memory(bytes, "fuzz");
  if (!file.ok()) return;
  const auto psf = fits::parse_psf(*file);
  if (!psf.ok()) return;
  const std::size_t spectra = static_cast<std::size_t>(psf->nspec);
  for (const fits::LegendreSet* set : {&psf->x, &psf->y, &psf->core.sigma_x, &psf->core.sigma_y}) {
    require(set->coefficients.size() == spectra * static_cast<std::size_t>(set->ncoef));
    require_finite(*set);
  }
  for (const fits::LegendreSet& term : psf->core.terms) require_finite(term);
  v1::ExtractionSpec spec;
  (void)plan::complete_options(summary_of(*psf), spec).ok();
  (void)plan::psf_shape_key(*psf).size();
}

void read_preproc_file(std::span<const std::byte> bytes) {
  const auto file = fits::load_from_memory(bytes, "fuzz");
  if (!file.ok()) return;
  auto preproc = fits::parse_preproc(*file);
  if (!preproc.ok()) return;
  const std::size_t pixels =
      static_cast<std::size_t>(preproc->nx) * static_cast<std::size_t>(preproc->ny);
  require(preproc->image.size() == pixels && preproc->ivar.size() == pixels &&
          preproc->mask.size() == pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    require(std::isfinite(preproc->image[i]) && std::isfinite(preproc->ivar[i]));
  }
  fits::apply_mask(*preproc, fits::kExtractionMaskBits);
  const auto pointing = plan::pointing_of(
      preproc->header, preproc->fibermap ? preproc->fibermap->header : fits::Header());
  if (pointing.ok()) require(std::isfinite(plan::barycentric_factor(*pointing)));
  (void)fits::frame_header(preproc->header, {}).cards().size();
}

}  // namespace unfold::fuzz
