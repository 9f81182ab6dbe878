#include "common/formats/imaging/histpy_response.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/imaging/shuffled_counts.h"

namespace unfold::imaging_data {
namespace {

constexpr std::size_t kDataAxes = 3;
constexpr double kMostCount = 4294967295.0;
constexpr std::int64_t kMaxEnergies = 100'000;

// "s cm2", "cm2 * s" -> "scm2", "cm2s".
std::string plain_unit(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '*' && c != '^') out += c;
  }
  return out;
}

// Rows of the contents as they are stored.
class Cells {
 public:
  virtual ~Cells() = default;
  virtual absl::Status read(std::int64_t first_row, std::span<double> out) = 0;
};

class DenseCells final : public Cells {
 public:
  DenseCells(const HistogramPlace& place, std::int64_t bins) : place_(place), bins_(bins) {}
  absl::Status read(std::int64_t first_row, std::span<double> out) override {
    return read_dense(place_, kDataAxes, first_row * bins_, out);
  }

 private:
  const HistogramPlace place_;
  std::int64_t bins_;
};

class SparseCells final : public Cells {
 public:
  SparseCells(std::vector<HistogramEntry> entries, std::int64_t bins)
      : entries_(std::move(entries)), bins_(bins) {}
  absl::Status read(std::int64_t first_row, std::span<double> out) override {
    std::fill(out.begin(), out.end(), 0);
    const std::int64_t begin = first_row * bins_;
    const std::int64_t end = begin + static_cast<std::int64_t>(out.size());
    auto entry =
        std::lower_bound(entries_.begin(), entries_.end(), begin,
                         [](const HistogramEntry& e, std::int64_t at) { return e.cell < at; });
    for (; entry != entries_.end() && entry->cell < end; ++entry) {
      out[static_cast<std::size_t>(entry->cell - begin)] = entry->value;
    }
    return absl::OkStatus();
  }

 private:
  std::vector<HistogramEntry> entries_;
  std::int64_t bins_;
};

class ShuffledCells final : public Cells {
 public:
  explicit ShuffledCells(ShuffledCounts counts) : counts_(std::move(counts)) {}
  absl::Status read(std::int64_t first_row, std::span<double> out) override {
    return counts_.read(first_row, out);
  }

 private:
  ShuffledCounts counts_;
};

struct RowPlan {
  hdf5::Dataset named;  // for messages
  std::int64_t rows = 0;
  std::int64_t bins = 0;
  std::int64_t energies = 1;
  std::vector<double> solid_angle;  // [pixels]
  std::vector<double> area;         // [energies], or empty
};

class Rows final : public ResponseRows {
 public:
  Rows(std::unique_ptr<Cells> cells, RowPlan plan)
      : cells_(std::move(cells)), plan_(std::move(plan)) {}

  absl::Status next(std::span<double> rows, std::span<double> scale) override {
    const auto count = static_cast<std::int64_t>(rows.size()) / plan_.bins;
    if (static_cast<std::int64_t>(rows.size()) % plan_.bins != 0 || count > plan_.rows - next_) {
      return plan_.named.problem("WRONG_SHAPE", "more rows were asked for than it has");
    }
    UNFOLD_RETURN_IF_ERROR(cells_->read(next_, rows));
    UNFOLD_RETURN_IF_ERROR(check(rows));
    for (std::int64_t i = 0; i < count; ++i, ++next_) {
      const double factor = factor_of(next_);
      if (!plan_.area.empty()) {
        scale[static_cast<std::size_t>(i)] = factor;
        continue;
      }
      for (double& value : rows.subspan(static_cast<std::size_t>(i * plan_.bins),
                                        static_cast<std::size_t>(plan_.bins))) {
        value *= factor;
      }
    }
    return absl::OkStatus();
  }

 private:
  double factor_of(std::int64_t row) const {
    const double angle = plan_.solid_angle[static_cast<std::size_t>(row / plan_.energies)];
    if (plan_.area.empty()) return angle;
    return angle * plan_.area[static_cast<std::size_t>(row % plan_.energies)];
  }
  absl::Status check(std::span<const double> rows) const {
    const bool whole = !plan_.area.empty();
    for (const double value : rows) {
      if (value >= 0 && std::isfinite(value) &&
          (!whole || (value <= kMostCount && std::floor(value) == value))) {
        continue;
      }
      return plan_.named.problem("BAD_VALUE",
                                 absl::StrCat("in row ", next_, " or after, a value is ", value),
                                 whole ? "give whole counts, 0 or more" : "give numbers >= 0");
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Cells> cells_;
  RowPlan plan_;
  std::int64_t next_ = 0;
};

// A DRM group as a histogram without under- and overflow.
absl::StatusOr<HistogramPlace> open_drm(const hdf5::File& file, const std::string& contents) {
  HistogramPlace out{.file = file,
                     .group = "DRM",
                     .axes = {},
                     .unit = {},
                     .skipped = {},
                     .dense = {},
                     .coordinates = {},
                     .values = {}};
  UNFOLD_ASSIGN_OR_RETURN(out.axes, read_axes(file, "DRM/AXES"));
  UNFOLD_ASSIGN_OR_RETURN(const auto unit, file.attribute("DRM", "UNIT"));
  if (unit && std::holds_alternative<std::string>(*unit)) out.unit = std::get<std::string>(*unit);
  UNFOLD_ASSIGN_OR_RETURN(out.dense, file.dataset(contents));
  out.skipped.assign(out.axes.size(), 0);
  const std::vector<std::int64_t>& shape = out.dense->info().shape;
  bool same = shape.size() == out.axes.size();
  for (std::size_t i = 0; same && i < shape.size(); ++i) same = shape[i] == out.axes[i].bins();
  if (same) return out;
  return out.dense->problem("WRONG_SHAPE",
                            absl::StrCat("its shape ", out.dense->info().shape_text(),
                                         " is not that of the axes in DRM/AXES"));
}

absl::StatusOr<bool> there(const hdf5::File& file, const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(path));
  return kind != hdf5::ObjectKind::kNone;
}

}  // namespace

std::int64_t HistpyResponse::bins() const {
  return data(0).bins() * data(1).bins() * data(2).bins();
}

absl::Status HistpyResponse::check() {
  constexpr std::array<const char*, 5> kLabels = {"NuLambda", "Ei", "Em", "Phi", "PsiChi"};
  const hdf5::File& in = place_.file;
  for (std::size_t i = 0; i < place_.axes.size(); ++i) {
    const std::string& label = place_.axes[i].label;
    if (i < kLabels.size() && (label == kLabels[i] || (i == 0 && label == "lb"))) continue;
    return wrong_axis(
        in, place_.axes[i].object,
        absl::StrCat("axis ", i, " is ", label, "; a response has NuLambda, Ei, Em, Phi, PsiChi"),
        "project the response onto these axes");
  }
  if (place_.axes.size() != kLabels.size()) {
    return wrong_axis(in, place_.group,
                      absl::StrCat("it has ", place_.axes.size(), " axes, not ",
                                   "NuLambda, Ei, Em, Phi, PsiChi"));
  }
  for (const std::size_t i : {std::size_t{0}, std::size_t{4}}) {
    if (place_.axes[i].nside > 0) continue;
    return wrong_axis(in, place_.axes[i].object, "it is no HEALPix axis");
  }
  const std::string unit = plain_unit(place_.unit);
  observed_ = unit.empty() || unit == "cm2s" || unit == "scm2";
  if (observed_ || unit == "cm2") return absl::OkStatus();
  return hdf5::bad_object(
      in.shown(), place_.group, "WRONG_UNIT",
      absl::StrCat("its unit is \"", fits::printable(place_.unit), "\", not \"cm2 s\" or \"cm2\""),
      "convert the response");
}

absl::Status HistpyResponse::fill_area(const hdf5::Dataset& area) {
  UNFOLD_ASSIGN_OR_RETURN(area_, area.read_all<double>(kMaxEnergies));
  if (area.info().shape != std::vector<std::int64_t>{energies().bins()}) {
    return area.problem("WRONG_SHAPE", "it needs one number for each Ei");
  }
  for (const double value : area_) {
    if (!(value >= 0) || !std::isfinite(value)) {
      return area.problem("BAD_VALUE", "an area is negative or not finite");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<HistpyResponse> HistpyResponse::open(const hdf5::File& file) {
  UNFOLD_ASSIGN_OR_RETURN(const bool drm, there(file, "DRM"));
  if (!drm) {
    UNFOLD_ASSIGN_OR_RETURN(HistogramPlace place, open_histogram(file, "hist"));
    HistpyResponse out(std::move(place));
    UNFOLD_RETURN_IF_ERROR(out.check());
    return out;
  }
  UNFOLD_ASSIGN_OR_RETURN(const bool ragged, there(file, "DRM/BIN_NUMBERS"));
  if (ragged) {
    return hdf5::bad_object(file.shown(), "DRM/BIN_NUMBERS", "UNSUPPORTED_FORMAT",
                            "it is cosipy's first sparse form, of lists of any length",
                            "write the response dense with cosipy");
  }
  UNFOLD_ASSIGN_OR_RETURN(const bool counted, there(file, "DRM/COUNTS"));
  UNFOLD_ASSIGN_OR_RETURN(HistogramPlace place,
                          open_drm(file, counted ? "DRM/COUNTS" : "DRM/CONTENTS"));
  HistpyResponse out(std::move(place));
  UNFOLD_RETURN_IF_ERROR(out.check());
  if (!counted) return out;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset area, file.dataset("DRM/EFF_AREA"));
  UNFOLD_RETURN_IF_ERROR(out.fill_area(area));
  if (is_shuffled(out.place_.dense->info())) {
    const auto readable = ShuffledCounts::open(*out.place_.dense);
    if (!readable.ok()) return readable.status();
  }
  return out;
}

absl::StatusOr<std::unique_ptr<ResponseRows>> HistpyResponse::read(
    std::vector<double> solid_angle) const {
  std::unique_ptr<Cells> cells;
  if (!place_.dense) {
    UNFOLD_ASSIGN_OR_RETURN(std::vector<HistogramEntry> entries, read_sparse(place_));
    cells = std::make_unique<SparseCells>(std::move(entries), bins());
  } else if (is_shuffled(place_.dense->info())) {
    UNFOLD_ASSIGN_OR_RETURN(ShuffledCounts counts, ShuffledCounts::open(*place_.dense));
    cells = std::make_unique<ShuffledCells>(std::move(counts));
  } else {
    cells = std::make_unique<DenseCells>(place_, bins());
  }
  RowPlan plan{.named = place_.dense ? *place_.dense : *place_.values,
               .rows = rows(),
               .bins = bins(),
               .energies = energies().bins(),
               .solid_angle = std::move(solid_angle),
               .area = area_};
  return std::make_unique<Rows>(std::move(cells), std::move(plan));
}

}  // namespace unfold::imaging_data
