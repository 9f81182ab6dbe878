#include "common/formats/fits/psf.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/psf_layout.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {
namespace {

absl::StatusOr<LegendreSet> read_trace(const LoadedFile& file, const Hdu& hdu) {
  LegendreSet out;
  out.ncoef = static_cast<int>(hdu.axes[0]);
  UNFOLD_RETURN_IF_ERROR(read_wave_domain(hdu.header, out.wave_min, out.wave_max));
  UNFOLD_ASSIGN_OR_RETURN(out.coefficients, read_image<double>(file, hdu));
  return out;
}

using Parameters = std::map<std::string, LegendreSet>;

// Every row of the table. Before version 3 each row names its own domain.
absl::StatusOr<Parameters> read_parameters(const Table& table, const PsfColumns& columns, int nspec,
                                           double wave_min, double wave_max) {
  const Column* row_min = table.find("WAVEMIN");
  const Column* row_max = table.find("WAVEMAX");
  Parameters out;
  for (std::int64_t row = 0; row < table.rows; ++row) {
    LegendreSet set{columns.ncoef, wave_min, wave_max, {}};
    if (row_min != nullptr && row_max != nullptr) {
      set.wave_min = table.number(*row_min, row);
      set.wave_max = table.number(*row_max, row);
      UNFOLD_RETURN_IF_ERROR(check_wave_range(set.wave_min, set.wave_max));
    }
    set.coefficients.resize(static_cast<std::size_t>(nspec) *
                            static_cast<std::size_t>(columns.ncoef));
    const std::byte* at = table.data.data() + static_cast<std::size_t>(row) * table.row_bytes +
                          columns.coefficients->offset;
    for (std::size_t i = 0; i < set.coefficients.size(); ++i) {
      set.coefficients[i] = load_big<double>(at + i * sizeof(double));
    }
    const std::string name = table.text(*columns.name, row);
    if (!out.emplace(name, std::move(set)).second) {
      return error({.reason = "BAD_STRUCTURE",
                    .what = absl::StrCat("parameter ", printable(name), " appears twice")});
    }
  }
  return out;
}

absl::StatusOr<LegendreSet> take(Parameters& from, const std::string& name) {
  const auto it = from.find(name);
  if (it == from.end()) {
    return error(
        {.reason = "MISSING_PARAMETER", .what = absl::StrCat("parameter ", name, " is missing")});
  }
  for (const double value : it->second.coefficients) {
    if (!std::isfinite(value)) {
      return error({.reason = "BAD_HEADER_VALUE",
                    .what = absl::StrCat("a coefficient of ", name, " is not finite")});
    }
  }
  return std::move(it->second);
}

absl::Status check_positive(const LegendreSet& set, const std::string& name) {
  const std::size_t step = static_cast<std::size_t>(set.ncoef);
  for (std::size_t i = 0; i < set.coefficients.size(); i += step) {
    if (!(set.coefficients[i] > 0)) {
      return error({.reason = "BAD_HEADER_VALUE",
                    .what = absl::StrCat(name, " of fibre ", i / step, " is not positive")});
    }
  }
  return absl::OkStatus();
}

// `mark` is "" for the first core, "2" for the second.
absl::StatusOr<GaussHermiteCore> read_core(Parameters& from, const std::string& mark, int degree_x,
                                           int degree_y) {
  GaussHermiteCore out;
  out.degree_x = degree_x;
  out.degree_y = degree_y;
  UNFOLD_ASSIGN_OR_RETURN(out.sigma_x, take(from, "GHSIGX" + mark));
  UNFOLD_ASSIGN_OR_RETURN(out.sigma_y, take(from, "GHSIGY" + mark));
  UNFOLD_RETURN_IF_ERROR(check_positive(out.sigma_x, "GHSIGX" + mark));
  UNFOLD_RETURN_IF_ERROR(check_positive(out.sigma_y, "GHSIGY" + mark));
  for (int j = 0; j <= degree_y; ++j) {
    for (int i = 0; i <= degree_x; ++i) {
      UNFOLD_ASSIGN_OR_RETURN(LegendreSet term,
                              take(from, absl::StrCat("GH", mark, "-", i, "-", j)));
      out.terms.push_back(std::move(term));
    }
  }
  return out;
}

absl::Status read_shape(const Header& header, Parameters& from, Psf& out, int degree_x,
                        int degree_y) {
  UNFOLD_ASSIGN_OR_RETURN(out.core, read_core(from, "", degree_x, degree_y));
  if (out.type == PsfType::kGaussHermite2) {
    UNFOLD_ASSIGN_OR_RETURN(const int x2, integer_within(header, "GHDEGX2", 0, kMaxHermiteDegree));
    UNFOLD_ASSIGN_OR_RETURN(const int y2, integer_within(header, "GHDEGY2", 0, kMaxHermiteDegree));
    UNFOLD_ASSIGN_OR_RETURN(out.second, read_core(from, "2", x2, y2));
    UNFOLD_ASSIGN_OR_RETURN(out.core_radius, take(from, "GHNSIG"));
  }
  if (!from.contains("TAILAMP")) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(out.tail.amplitude, take(from, "TAILAMP"));
  UNFOLD_ASSIGN_OR_RETURN(out.tail.core, take(from, "TAILCORE"));
  UNFOLD_ASSIGN_OR_RETURN(out.tail.x_scale, take(from, "TAILXSCA"));
  UNFOLD_ASSIGN_OR_RETURN(out.tail.y_scale, take(from, "TAILYSCA"));
  UNFOLD_ASSIGN_OR_RETURN(out.tail.index, take(from, "TAILINDE"));
  return absl::OkStatus();
}

absl::Status read_contents(const LoadedFile& file, const PsfLayout& layout,
                           const PsfSummary& summary, Psf& out) {
  UNFOLD_ASSIGN_OR_RETURN(const Table table, read_table(file, *layout.table));
  UNFOLD_ASSIGN_OR_RETURN(const PsfColumns columns,
                          find_psf_columns(file.structure, *layout.table, out.nspec));
  UNFOLD_ASSIGN_OR_RETURN(Parameters parameters,
                          read_parameters(table, columns, out.nspec, out.wave_min, out.wave_max));
  if (layout.x != nullptr) {
    UNFOLD_ASSIGN_OR_RETURN(parameters["X"], read_trace(file, *layout.x));
    UNFOLD_ASSIGN_OR_RETURN(parameters["Y"], read_trace(file, *layout.y));
  }
  UNFOLD_ASSIGN_OR_RETURN(out.x, take(parameters, "X"));
  UNFOLD_ASSIGN_OR_RETURN(out.y, take(parameters, "Y"));
  if (layout.x == nullptr) {
    out.wave_min = out.x.wave_min;
    out.wave_max = out.x.wave_max;
  }
  return read_shape(layout.table->header, parameters, out, summary.degree_x, summary.degree_y);
}

}  // namespace

bool PsfTail::present() const {
  return std::any_of(amplitude.coefficients.begin(), amplitude.coefficients.end(),
                     [](double value) { return value != 0; });
}

absl::StatusOr<Psf> read_psf(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const LoadedFile file, load_and_scan(path, shown));
  return parse_psf(file);
}

absl::StatusOr<Psf> parse_psf(const LoadedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(const PsfLayout layout, find_psf_layout(file.structure));
  UNFOLD_ASSIGN_OR_RETURN(PsfSummary summary, summarise_psf(file.structure, layout));
  Psf out;
  out.type = summary.type;
  out.version = summary.version;
  out.nspec = summary.nspec;
  out.fiber_min = summary.fiber_min;
  out.npix_x = summary.npix_x;
  out.npix_y = summary.npix_y;
  out.hsize_x = summary.hsize_x;
  out.hsize_y = summary.hsize_y;
  out.wave_min = summary.wave_min;
  out.wave_max = summary.wave_max;
  out.psferr = summary.psferr;
  out.camera = summary.camera;
  out.in_psf = summary.in_psf;
  const absl::Status status = read_contents(file, layout, summary, out);
  if (!status.ok()) return in_file(status, file.structure.shown, "HDU " + layout.table->name);
  out.sha256 = file.bytes.sha256;
  return out;
}

absl::StatusOr<PsfSummary> read_psf_summary(const std::string& path, const std::string& shown) {
  // The range of a version 2 file stands in its rows; such files are small enough to read whole.
  UNFOLD_ASSIGN_OR_RETURN(const ScannedHeaders scanned, scan_headers(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const PsfLayout layout, find_psf_layout(scanned.structure));
  UNFOLD_ASSIGN_OR_RETURN(PsfSummary out, summarise_psf(scanned.structure, layout));
  if (out.version < 3) {
    UNFOLD_ASSIGN_OR_RETURN(const Psf psf, read_psf(path, shown));
    out.wave_min = psf.wave_min;
    out.wave_max = psf.wave_max;
  }
  return out;
}

}  // namespace unfold::fits
