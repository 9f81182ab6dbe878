#include "common/formats/imaging/histogram_file.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMaxEntries = std::int64_t{1} << 26;
constexpr std::int64_t kMaxCells = std::int64_t{1} << 48;

std::int64_t product(const std::vector<HistogramAxis>& axes, std::size_t from) {
  std::int64_t out = 1;
  for (std::size_t i = from; i < axes.size(); ++i) out *= axes[i].bins();
  return out;
}

absl::StatusOr<std::string> text_of(const hdf5::File& file, const std::string& object,
                                    const std::string& name, const std::string& fallback) {
  UNFOLD_ASSIGN_OR_RETURN(const auto value, file.attribute(object, name));
  if (!value) return fallback;
  const auto* text = std::get_if<std::string>(&*value);
  if (text == nullptr) {
    return hdf5::bad_object(file.shown(), object, "WRONG_TYPE", name + " is no text");
  }
  return *text;
}

// Each axis has its bins, or its bins and two more.
absl::Status place_bins(HistogramPlace& out, const std::vector<std::int64_t>& shape,
                        const hdf5::Dataset& contents) {
  if (shape.size() != out.axes.size()) {
    return contents.problem("WRONG_SHAPE", absl::StrCat("it has ", shape.size(), " axes, ",
                                                        out.axes.size(), " are described"));
  }
  double cells = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t bins = out.axes[i].bins();
    if (shape[i] != bins && shape[i] != bins + 2) {
      return contents.problem("WRONG_SHAPE", absl::StrCat("axis ", out.axes[i].label, " has ", bins,
                                                          " bins, the contents ", shape[i]));
    }
    out.skipped.push_back(shape[i] == bins ? 0 : 1);
    cells *= static_cast<double>(bins);
  }
  if (cells > static_cast<double>(kMaxCells)) {
    return contents.problem("TOO_LARGE", "it has too many bins");
  }
  return absl::OkStatus();
}

absl::Status open_sparse(HistogramPlace& out) {
  const std::string group = out.group + "/contents";
  UNFOLD_ASSIGN_OR_RETURN(out.coordinates, out.file.dataset(group + "/coords"));
  UNFOLD_ASSIGN_OR_RETURN(out.values, out.file.dataset(group + "/data"));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset shape, out.file.dataset(group + "/shape"));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset fill, out.file.dataset(group + "/fill_value"));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> lengths,
                          shape.read_all<std::int64_t>(64));
  UNFOLD_RETURN_IF_ERROR(place_bins(out, lengths, *out.values));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> filled, fill.read_all<double>(1));
  if (filled.size() != 1 || filled[0] != 0) {
    return fill.problem("UNSUPPORTED_FORMAT", "cells that are not stored are not 0");
  }
  const std::vector<std::int64_t> wanted = {static_cast<std::int64_t>(out.axes.size()),
                                            out.values->info().elements()};
  if (out.coordinates->info().shape != wanted || out.values->info().shape.size() != 1) {
    return out.coordinates->problem(
        "WRONG_SHAPE", absl::StrCat("its shape is ", out.coordinates->info().shape_text(),
                                    ", not [axes, entries]"));
  }
  if (wanted[1] > kMaxEntries) return out.values->problem("TOO_LARGE", "it has too many entries");
  return absl::OkStatus();
}

}  // namespace

std::int64_t HistogramPlace::cells() const { return product(axes, 0); }

std::int64_t HistogramPlace::stored() const { return dense ? cells() : values->info().elements(); }

absl::StatusOr<HistogramPlace> open_histogram(const hdf5::File& file, const std::string& group) {
  HistogramPlace out{.file = file,
                     .group = group,
                     .axes = {},
                     .unit = {},
                     .skipped = {},
                     .dense = {},
                     .coordinates = {},
                     .values = {}};
  UNFOLD_ASSIGN_OR_RETURN(out.axes, read_axes(file, group + "/axes"));
  UNFOLD_ASSIGN_OR_RETURN(out.unit, text_of(file, group, "unit", ""));
  UNFOLD_ASSIGN_OR_RETURN(const std::string format, text_of(file, group, "format", "dense"));
  if (format == "coo") {
    UNFOLD_RETURN_IF_ERROR(open_sparse(out));
    return out;
  }
  if (format != "dense") {
    return hdf5::bad_object(file.shown(), group, "UNSUPPORTED_FORMAT",
                            absl::StrCat("its format is \"", fits::printable(format), "\""),
                            "write it dense or as COO");
  }
  UNFOLD_ASSIGN_OR_RETURN(out.dense, file.dataset(group + "/contents"));
  UNFOLD_RETURN_IF_ERROR(place_bins(out, out.dense->info().shape, *out.dense));
  return out;
}

absl::Status read_dense(const HistogramPlace& place, std::size_t inner, std::int64_t first,
                        std::span<double> out) {
  const std::size_t outer = place.axes.size() - inner;
  const std::int64_t row = product(place.axes, outer);
  hdf5::Slab slab{place.skipped, std::vector<std::int64_t>(place.axes.size(), 1)};
  for (std::size_t i = outer; i < place.axes.size(); ++i) slab.count[i] = place.axes[i].bins();
  while (!out.empty()) {
    // As many rows at once as lie together on the last outer axis.
    std::int64_t index = first / row;
    std::int64_t rows = static_cast<std::int64_t>(out.size()) / row;
    for (std::size_t i = outer; i-- > 0;) {
      const std::int64_t bins = place.axes[i].bins();
      const std::int64_t at = index % bins;
      index /= bins;
      slab.first[i] = place.skipped[i] + at;
      if (i + 1 == outer) slab.count[i] = rows = std::min(rows, bins - at);
    }
    if (outer == 0) rows = 1;
    const auto numbers = static_cast<std::size_t>(rows * row);
    UNFOLD_RETURN_IF_ERROR(place.dense->read(slab, out.first(numbers)));
    out = out.subspan(numbers);
    first += rows * row;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<HistogramEntry>> read_sparse(const HistogramPlace& place) {
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values,
                          place.values->read_all<double>(kMaxEntries));
  std::vector<HistogramEntry> out(values.size());
  std::vector<bool> inside(values.size(), true);
  std::vector<std::int64_t> coordinate(values.size());
  const auto entries = static_cast<std::int64_t>(values.size());
  for (std::size_t axis = 0; axis < place.axes.size() && entries > 0; ++axis) {
    const hdf5::Slab slab{{static_cast<std::int64_t>(axis), 0}, {1, entries}};
    UNFOLD_RETURN_IF_ERROR(place.coordinates->read(slab, std::span(coordinate)));
    const std::int64_t bins = place.axes[axis].bins();
    for (std::size_t n = 0; n < values.size(); ++n) {
      const std::int64_t at = coordinate[n] - place.skipped[axis];
      if (at < -place.skipped[axis] || at >= bins + place.skipped[axis]) {
        return place.coordinates->problem(
            "BAD_VALUE", absl::StrCat("entry ", n, " lies outside axis ", place.axes[axis].label));
      }
      inside[n] = inside[n] && at >= 0 && at < bins;
      out[n].cell = out[n].cell * bins + std::clamp<std::int64_t>(at, 0, bins - 1);
      out[n].value = values[n];
    }
  }
  std::size_t kept = 0;
  for (std::size_t n = 0; n < out.size(); ++n) {
    if (inside[n]) out[kept++] = out[n];
  }
  out.resize(kept);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.cell < b.cell; });
  kept = 0;
  for (std::size_t n = 0; n < out.size(); ++n) {
    if (kept > 0 && out[kept - 1].cell == out[n].cell) {
      out[kept - 1].value += out[n].value;
    } else {
      out[kept++] = out[n];
    }
  }
  out.resize(kept);
  return out;
}

absl::StatusOr<std::vector<double>> read_cells(const HistogramPlace& place, std::int64_t most) {
  if (place.cells() > most) {
    return hdf5::bad_object(place.file.shown(), place.group, "TOO_LARGE",
                            absl::StrCat("it has ", place.cells(), " cells"),
                            "store it sparse (COO), or bin coarser");
  }
  std::vector<double> out(static_cast<std::size_t>(place.cells()));
  if (place.dense) {
    UNFOLD_RETURN_IF_ERROR(read_dense(place, place.axes.size() - 1, 0, out));
    return out;
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<HistogramEntry> entries, read_sparse(place));
  for (const HistogramEntry& entry : entries) {
    out[static_cast<std::size_t>(entry.cell)] = entry.value;
  }
  return out;
}

}  // namespace unfold::imaging_data
