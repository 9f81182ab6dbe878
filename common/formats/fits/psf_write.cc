#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/psf.h"
#include "common/formats/fits/writer.h"

namespace unfold::fits {
namespace {

using Row = std::pair<std::string, LegendreSet>;

std::vector<Row> rows_of(const Psf& psf) {
  std::vector<Row> out = {{"GHSIGX", psf.core.sigma_x}, {"GHSIGY", psf.core.sigma_y}};
  for (int j = 0; j <= psf.core.degree_y; ++j) {
    for (int i = 0; i <= psf.core.degree_x; ++i) {
      out.emplace_back(absl::StrCat("GH-", i, "-", j), psf.core.term(i, j));
    }
  }
  out.emplace_back("TAILAMP", psf.tail.amplitude);
  out.emplace_back("TAILCORE", psf.tail.core);
  out.emplace_back("TAILXSCA", psf.tail.x_scale);
  out.emplace_back("TAILYSCA", psf.tail.y_scale);
  out.emplace_back("TAILINDE", psf.tail.index);
  return out;
}

absl::Status cannot_write(std::string why) {
  return error({.reason = "WRONG_SHAPE", .what = "cannot write the PSF", .why = std::move(why)});
}

void set_range(Header& header, const LegendreSet& set) {
  header.set("WAVEMIN", set.wave_min, "lower end of the Legendre domain [Angstrom]");
  header.set("WAVEMAX", set.wave_max, "upper end of the Legendre domain [Angstrom]");
}

absl::Status write_trace(Writer& writer, const std::string& name, const Psf& psf,
                         const LegendreSet& set) {
  Header header;
  header.set("FIBERMIN", psf.fiber_min);
  header.set("FIBERMAX", psf.fiber_min + psf.nspec - 1);
  set_range(header, set);
  header.set("PSFTYPE", "GAUSS-HERMITE");
  header.set("PSFVER", "3");
  return writer.image(name, {set.ncoef, psf.nspec}, std::span(set.coefficients), header);
}

Header table_header(const Psf& psf, const LegendreSet& first) {
  Header header;
  header.set("PSFTYPE", "GAUSS-HERMITE");
  header.set("PSFVER", "3");
  if (!psf.camera.empty()) header.set("CAMERA", psf.camera, "camera");
  header.set("NPIX_X", psf.npix_x, "columns of the CCD image");
  header.set("NPIX_Y", psf.npix_y, "rows of the CCD image");
  header.set("HSIZEX", psf.hsize_x, "half size of a stamp, 2*HSIZEX+1 columns");
  header.set("HSIZEY", psf.hsize_y, "half size of a stamp, 2*HSIZEY+1 rows");
  header.set("FIBERMIN", psf.fiber_min, "first fibre");
  header.set("FIBERMAX", psf.fiber_min + psf.nspec - 1, "last fibre");
  header.set("LEGDEG", first.ncoef - 1, "degree of the Legendre polynomials");
  header.set("GHDEGX", psf.core.degree_x, "Hermite degree along columns");
  header.set("GHDEGY", psf.core.degree_y, "Hermite degree along rows");
  set_range(header, first);
  if (psf.psferr) header.set("PSFERR", *psf.psferr, "fractional error of the PSF model");
  if (!psf.in_psf.empty()) header.set("IN_PSF", psf.in_psf, "PSF this one was made from");
  return header;
}

}  // namespace

absl::Status write_psf(const std::string& path, const Psf& psf) {
  if (psf.second) return cannot_write("version 3 has one core only");
  const std::vector<Row> rows = rows_of(psf);
  const LegendreSet& first = psf.core.sigma_x;
  const std::size_t count =
      static_cast<std::size_t>(psf.nspec) * static_cast<std::size_t>(first.ncoef);
  std::vector<std::string> names;
  std::vector<double> values;
  for (const auto& [name, set] : rows) {
    if (!set.coefficients.empty() &&
        (set.coefficients.size() != count || set.wave_min != first.wave_min ||
         set.wave_max != first.wave_max)) {
      return cannot_write(absl::StrCat(name, " differs in shape or domain from GHSIGX"));
    }
    names.push_back(name);
    values.insert(values.end(), set.coefficients.begin(), set.coefficients.end());
    values.resize(names.size() * count);  // an absent parameter is 0
  }
  Table table = TableBuilder("PSF")
                    .add("PARAM", std::span<const std::string>(names))
                    .add_vector("COEFF", values, static_cast<std::int64_t>(count),
                                absl::StrCat("(", first.ncoef, ",", psf.nspec, ")"))
                    .build();
  const Header header = table_header(psf, first);
  for (const std::string& card : header.cards()) table.header.append_card(card);
  UNFOLD_ASSIGN_OR_RETURN(Writer writer, Writer::create(path, path.ends_with(".gz")));
  UNFOLD_RETURN_IF_ERROR(write_trace(writer, "XTRACE", psf, psf.x));
  UNFOLD_RETURN_IF_ERROR(write_trace(writer, "YTRACE", psf, psf.y));
  UNFOLD_RETURN_IF_ERROR(writer.table("PSF", table));
  return writer.finish();
}

}  // namespace unfold::fits
