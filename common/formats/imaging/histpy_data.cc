#include "common/formats/imaging/histpy_data.h"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/imaging/units.h"

namespace unfold::imaging_data {
namespace {

constexpr std::array<const char*, 3> kDataLabels = {"Em", "Phi", "PsiChi"};

absl::Status whole_counts(const HistpyData& place, double value) {
  if (value >= 0 && std::isfinite(value) && std::floor(value) == value) return absl::OkStatus();
  return hdf5::bad_object(place.histogram.file.shown(), "hist/contents", "BAD_VALUE",
                          absl::StrCat("a value is ", value, ", no number of counts"),
                          "give whole counts, 0 or more");
}

}  // namespace

absl::StatusOr<HistpyData> open_histpy_data(const NamedFile& named) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(named.path, named.shown));
  UNFOLD_ASSIGN_OR_RETURN(HistogramPlace histogram, open_histogram(file, "hist"));
  HistpyData out{.histogram = std::move(histogram)};
  const std::vector<HistogramAxis>& axes = out.histogram.axes;
  out.timed = axes.front().label == "Time";
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t place = i - (out.timed ? 1 : 0);
    if (out.timed && i == 0) continue;
    if (place < kDataLabels.size() && axes[i].label == kDataLabels[place]) continue;
    return wrong_axis(file, axes[i].object,
                      absl::StrCat("axis ", i, " is ", axes[i].label,
                                   "; binned data have Em, Phi, PsiChi, or Time and these"),
                      "project the data onto these axes");
  }
  if (axes.size() != kDataLabels.size() + (out.timed ? 1 : 0)) {
    return wrong_axis(file, "hist/axes", "binned data have Em, Phi, PsiChi, or Time and these");
  }
  if (is_unit(out.histogram.unit, Unit::kCounts)) return out;
  return hdf5::bad_object(
      file.shown(), "hist", "WRONG_UNIT",
      absl::StrCat("its unit is \"", fits::printable(out.histogram.unit), "\", not counts"),
      "give counts");
}

absl::StatusOr<Counts> read_histpy_counts(const HistpyData& data, std::int64_t bins) {
  std::vector<HistogramEntry> entries;
  if (data.histogram.dense) {
    UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> cells,
                            read_cells(data.histogram, kMostHistogramCells));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i] != 0) entries.push_back({static_cast<std::int64_t>(i), cells[i]});
    }
  } else {
    UNFOLD_ASSIGN_OR_RETURN(entries, read_sparse(data.histogram));
  }
  Counts out;
  out.begin.assign(1, 0);
  for (const HistogramEntry& entry : entries) {
    UNFOLD_RETURN_IF_ERROR(whole_counts(data, entry.value));
    if (entry.value == 0) continue;
    while (static_cast<std::int64_t>(out.begin.size()) <= entry.cell / bins) {
      out.begin.push_back(static_cast<std::ptrdiff_t>(out.bin.size()));
    }
    out.bin.push_back(static_cast<std::int32_t>(entry.cell % bins));
    out.value.push_back(entry.value);
  }
  out.begin.resize(static_cast<std::size_t>(data.times()) + 1,
                   static_cast<std::ptrdiff_t>(out.bin.size()));
  return out;
}

}  // namespace unfold::imaging_data
