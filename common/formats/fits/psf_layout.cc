#include "common/formats/fits/psf_layout.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::fits {
namespace {

constexpr std::int64_t kMaxSide = 32768;
constexpr std::int64_t kMaxHalfSize = 64;
constexpr std::int64_t kMaxFibres = 10'000;
constexpr std::int64_t kMaxCoefficients = 64;

absl::Status wrong_type(const Structure& structure, std::string why) {
  return bad_file(structure.shown, "WRONG_TYPE", std::move(why),
                  "give a PSF file of type GAUSS-HERMITE (version 2 or 3) or GAUSS-HERMITE2");
}

// PSFTYPE and PSFVER stand in the primary header, in the table's, or in both.
absl::Status read_type(const Structure& structure, const PsfLayout& layout, PsfSummary& out) {
  const Header& table = layout.table->header;
  const Header& header = table.has("PSFTYPE") ? table : structure.hdus[0].header;
  UNFOLD_ASSIGN_OR_RETURN(const std::string type, header.string("PSFTYPE"));
  UNFOLD_ASSIGN_OR_RETURN(const double version, header.real("PSFVER"));
  if (type != "GAUSS-HERMITE" && type != "GAUSS-HERMITE2") {
    return wrong_type(structure, absl::StrCat("its PSFTYPE is ", printable(type)));
  }
  out.type = type == "GAUSS-HERMITE" ? PsfType::kGaussHermite : PsfType::kGaussHermite2;
  out.version = layout.x != nullptr ? 3 : 2;
  if ((out.version == 3) != (version >= 3) ||
      (out.version == 3 && out.type == PsfType::kGaussHermite2)) {
    return wrong_type(structure,
                      absl::StrCat("its PSFVER ", version, " does not go with its type and HDUs"));
  }
  return absl::OkStatus();
}

absl::Status read_numbers(const Header& header, PsfSummary& out) {
  UNFOLD_ASSIGN_OR_RETURN(out.fiber_min, integer_within(header, "FIBERMIN", 0, 100'000));
  UNFOLD_ASSIGN_OR_RETURN(const int fiber_max, integer_within(header, "FIBERMAX", out.fiber_min,
                                                              out.fiber_min + kMaxFibres));
  out.nspec = fiber_max - out.fiber_min + 1;
  UNFOLD_ASSIGN_OR_RETURN(out.npix_x, integer_within(header, "NPIX_X", 1, kMaxSide));
  UNFOLD_ASSIGN_OR_RETURN(out.npix_y, integer_within(header, "NPIX_Y", 1, kMaxSide));
  UNFOLD_ASSIGN_OR_RETURN(out.hsize_x, integer_within(header, "HSIZEX", 1, kMaxHalfSize));
  UNFOLD_ASSIGN_OR_RETURN(out.hsize_y, integer_within(header, "HSIZEY", 1, kMaxHalfSize));
  UNFOLD_ASSIGN_OR_RETURN(out.degree_x, integer_within(header, "GHDEGX", 0, kMaxHermiteDegree));
  UNFOLD_ASSIGN_OR_RETURN(out.degree_y, integer_within(header, "GHDEGY", 0, kMaxHermiteDegree));
  if (header.has("PSFERR")) {
    UNFOLD_ASSIGN_OR_RETURN(const double psferr, header.real("PSFERR"));
    if (psferr < 0) {
      return error({.reason = "BAD_HEADER_VALUE", .what = "PSFERR is negative"});
    }
    out.psferr = psferr;
  }
  // specex writes the name with quotes inside the quotes.
  const std::string camera = header.string("CAMERA").value_or("");
  out.camera = absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(absl::StripSuffix(absl::StripPrefix(camera, "'"), "'")));
  out.in_psf = header.string("IN_PSF").value_or("");
  return absl::OkStatus();
}

absl::Status check_trace_shape(const Structure& structure, const Hdu& hdu, int nspec) {
  if (hdu.type == HduType::kImage && hdu.axes.size() == 2 && hdu.axes[1] == nspec &&
      hdu.axes[0] >= 1 && hdu.axes[0] <= kMaxCoefficients) {
    return absl::OkStatus();
  }
  return bad_file(structure.shown, "WRONG_SHAPE",
                  absl::StrCat("HDU ", hdu.name, " is not an image of ", nspec, " fibres"),
                  "check that this is the right file");
}

}  // namespace

absl::StatusOr<int> integer_within(const Header& header, std::string_view key, std::int64_t least,
                                   std::int64_t most) {
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t value, header.integer(key));
  if (value < least || value > most) {
    return error(
        {.reason = "BAD_HEADER_VALUE",
         .what = absl::StrCat(std::string(key), " is ", value, ", outside ", least, " to ", most)});
  }
  return static_cast<int>(value);
}

absl::Status check_wave_range(double wave_min, double wave_max) {
  if (wave_min > 0 && wave_max > wave_min) return absl::OkStatus();
  return error({.reason = "BAD_HEADER_VALUE",
                .what = absl::StrCat("the range ", wave_min, " to ", wave_max, " is no range")});
}

absl::Status read_wave_domain(const Header& header, double& wave_min, double& wave_max) {
  UNFOLD_ASSIGN_OR_RETURN(wave_min, header.real("WAVEMIN"));
  UNFOLD_ASSIGN_OR_RETURN(wave_max, header.real("WAVEMAX"));
  return check_wave_range(wave_min, wave_max);
}

absl::StatusOr<PsfLayout> find_psf_layout(const Structure& structure) {
  PsfLayout out;
  out.x = structure.find("XTRACE");
  out.y = structure.find("YTRACE");
  out.table = structure.find("PSF");
  if (out.x != nullptr || out.y != nullptr) {
    for (const char* name : {"XTRACE", "YTRACE", "PSF"}) {
      UNFOLD_RETURN_IF_ERROR(structure.require(name).status());
    }
    return out;
  }
  if (structure.find("IMAGE") != nullptr) {
    return wrong_type(structure, "it is a preproc image, not a PSF");
  }
  if (out.table == nullptr && structure.hdus.size() > 1 &&
      structure.hdus[0].header.has("PSFTYPE")) {
    out.table = &structure.hdus[1];
  }
  if (out.table == nullptr) return wrong_type(structure, "it is not a PSF file");
  return out;
}

absl::StatusOr<PsfColumns> find_psf_columns(const Structure& structure, const Hdu& hdu, int nspec) {
  const auto named = [&](std::string_view name) -> const Column* {
    const auto it = std::find_if(hdu.columns.begin(), hdu.columns.end(),
                                 [&](const Column& column) { return column.name == name; });
    return it == hdu.columns.end() ? nullptr : &*it;
  };
  PsfColumns out{.name = named("PARAM"), .coefficients = named("COEFF")};
  if (out.name == nullptr || out.name->type != 'A' || out.coefficients == nullptr ||
      out.coefficients->type != 'D') {
    return wrong_type(structure, "its table has no columns PARAM and COEFF");
  }
  const std::int64_t repeat = out.coefficients->repeat;
  if (repeat < nspec || repeat % nspec != 0 || repeat / nspec > kMaxCoefficients) {
    return bad_file(structure.shown, "WRONG_SHAPE",
                    absl::StrCat("COEFF has ", repeat, " numbers for ", nspec, " fibres"),
                    "check that this is the right file");
  }
  out.ncoef = static_cast<int>(repeat / nspec);
  return out;
}

absl::StatusOr<PsfSummary> summarise_psf(const Structure& structure, const PsfLayout& layout) {
  PsfSummary out;
  const auto told = [&](const absl::Status& status) {
    return in_file(status, structure.shown, "HDU " + layout.table->name);
  };
  if (absl::Status status = read_type(structure, layout, out); !status.ok()) return told(status);
  if (layout.table->type != HduType::kBinaryTable) {
    return wrong_type(structure, "its HDU PSF is not a binary table");
  }
  if (absl::Status status = read_numbers(layout.table->header, out); !status.ok()) {
    return told(status);
  }
  UNFOLD_RETURN_IF_ERROR(find_psf_columns(structure, *layout.table, out.nspec).status());
  if (layout.x == nullptr) return out;  // the range stands in the table's rows
  absl::Status range = read_wave_domain(layout.table->header, out.wave_min, out.wave_max);
  if (!range.ok()) return told(range);
  for (const Hdu* hdu : {layout.x, layout.y}) {
    UNFOLD_RETURN_IF_ERROR(check_trace_shape(structure, *hdu, out.nspec));
    double wave_min = 0;
    double wave_max = 0;
    range = read_wave_domain(hdu->header, wave_min, wave_max);
    if (!range.ok()) return in_file(range, structure.shown, "HDU " + hdu->name);
  }
  return out;
}

}  // namespace unfold::fits
