#include "common/formats/imaging/hdf5_counts.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/slabs.h"

namespace unfold::imaging_data {
namespace {

constexpr double kMostCount = 9007199254740992.0;  // 2^53
constexpr std::int64_t kMostBins = std::int64_t{1} << 33;
constexpr char kCount[] = "a whole number, 0 or more";

template <class T>
bool is_count(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    return value >= 0 && value <= kMostCount && std::floor(value) == value;
  } else if constexpr (std::is_signed_v<T>) {
    return value >= 0;
  } else {
    return true;
  }
}

// Appends the non-zero ones of whole rows [first, first + n) to `out`.
template <class T>
absl::Status append_rows(const hdf5::Dataset& from, std::int64_t first, const std::vector<T>& rows,
                         std::size_t bins, Counts& out) {
  for (std::size_t row = 0; row * bins < rows.size(); ++row) {
    for (std::size_t d = 0; d < bins; ++d) {
      const T value = rows[row * bins + d];
      if (value == 0) continue;
      if (!is_count(value)) {
        const auto index =
            first * static_cast<std::int64_t>(bins) + static_cast<std::int64_t>(row * bins + d);
        return bad_value(from, index, static_cast<double>(value), kCount);
      }
      out.bin.push_back(static_cast<std::int32_t>(d));
      out.value.push_back(static_cast<double>(value));
    }
    out.begin.push_back(static_cast<std::ptrdiff_t>(out.bin.size()));
  }
  return absl::OkStatus();
}

template <class T>
absl::StatusOr<Counts> read_dense(const hdf5::Dataset& from) {
  const hdf5::DatasetInfo& info = from.info();
  const std::int64_t at_once = rows_at_once(info);
  const auto bins = static_cast<std::size_t>(info.shape[1]);
  Counts out;
  out.begin.push_back(0);
  std::vector<T> rows;
  for (std::int64_t first = 0; first < info.shape[0]; first += at_once) {
    const std::int64_t count = std::min(at_once, info.shape[0] - first);
    rows.resize(static_cast<std::size_t>(count) * bins);
    UNFOLD_RETURN_IF_ERROR(from.read(rows_of(info, first, count), std::span<T>(rows)));
    UNFOLD_RETURN_IF_ERROR(append_rows(from, first, rows, bins, out));
  }
  return out;
}

// As stored, where that is a type of its own: conversion costs more than reading.
absl::StatusOr<Counts> read_dense_as_stored(const hdf5::Dataset& from) {
  const hdf5::DatasetInfo& info = from.info();
  if (info.kind == hdf5::Kind::kFloat) return read_dense<double>(from);
  if (info.element_bytes == 1 && !info.is_signed) return read_dense<std::uint8_t>(from);
  if (info.element_bytes == 2 && !info.is_signed) return read_dense<std::uint16_t>(from);
  if (info.element_bytes <= 4 && info.is_signed) return read_dense<std::int32_t>(from);
  return read_dense<std::int64_t>(from);
}

absl::Status check_events(const hdf5::Dataset& bin, const Counts& counts,
                          const std::vector<std::int64_t>& bins, std::int64_t limit) {
  for (std::size_t t = 0; t + 1 < counts.begin.size(); ++t) {
    for (std::ptrdiff_t e = counts.begin[t]; e < counts.begin[t + 1]; ++e) {
      const std::int64_t d = bins[static_cast<std::size_t>(e)];
      const bool first = e == counts.begin[t];
      if (d >= 0 && d < limit && (first || d > bins[static_cast<std::size_t>(e) - 1])) continue;
      return bad_value(bin, e, static_cast<double>(d),
                       absl::StrCat("from 0 to ", limit - 1, " and increase within a time bin"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Counts> read_events(const Fields& fields, const CountsPlace& place,
                                   std::int64_t limit) {
  Counts out;
  UNFOLD_ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> begin,
      fields.integers({.name = "events_begin", .shape = {place.times + 1}, .axes = "[T+1]"}, 0,
                      place.stored));
  for (std::size_t t = 0; t < begin.size(); ++t) {
    const bool fits = t == 0 ? begin[0] == 0 : begin[t] >= begin[t - 1];
    if (fits && (t + 1 < begin.size() || begin[t] == place.stored)) continue;
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset at,
                            fields.file().dataset(fields.path("events_begin")));
    return bad_value(at, static_cast<std::int64_t>(t), static_cast<double>(begin[t]),
                     absl::StrCat("increasing, from 0 to ", place.stored));
  }
  out.begin.assign(begin.begin(), begin.end());
  const Field bin_field{.name = "events_bin", .shape = {place.stored}, .axes = "[N]"};
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> bins,
                          fields.integers(bin_field, 0, limit - 1));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset bin, fields.dataset(bin_field));
  UNFOLD_RETURN_IF_ERROR(check_events(bin, out, bins, limit));
  const Field count_field{.name = "events_count", .shape = {place.stored}, .axes = "[N]"};
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values,
                          fields.numbers(count_field, 0, kMostCount));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset count, fields.dataset(count_field));
  for (std::size_t e = 0; e < values.size(); ++e) {
    if (is_count(values[e]) && values[e] > 0) continue;
    return bad_value(count, static_cast<std::int64_t>(e), values[e], "a whole number above 0");
  }
  out.bin.assign(bins.begin(), bins.end());
  out.value = values;
  return out;
}

}  // namespace

absl::StatusOr<CountsPlace> find_counts(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(
      const auto dense,
      fields.optional_dataset({.name = "counts", .shape = {-1, -1}, .axes = "[T, D]"}));
  if (dense) {
    const hdf5::DatasetInfo& info = dense->info();
    if (info.elements() > kMostBins) {
      return dense->problem("TOO_LARGE", absl::StrCat("its shape is ", info.shape_text()),
                            "give the counts as an event list");
    }
    return CountsPlace{false, info.shape[0], info.shape[1], info.elements()};
  }
  UNFOLD_ASSIGN_OR_RETURN(const bool listed, fields.has("events_begin"));
  if (!listed) {
    return hdf5::bad_object(fields.file().shown(), fields.group(), "MISSING_OBJECT",
                            "it has neither counts nor events_begin");
  }
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset begin,
                          fields.dataset({.name = "events_begin", .shape = {-1}, .axes = "[T+1]"}));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset bin,
                          fields.dataset({.name = "events_bin", .shape = {-1}, .axes = "[N]"}));
  return CountsPlace{true, begin.info().elements() - 1, -1, bin.info().elements()};
}

absl::StatusOr<Counts> read_counts(const Fields& fields, const CountsPlace& place,
                                   std::int64_t bins) {
  if (place.events) return read_events(fields, place, bins);
  UNFOLD_ASSIGN_OR_RETURN(
      const hdf5::Dataset dense,
      fields.dataset({.name = "counts", .shape = {place.times, bins}, .axes = "[T, D]"}));
  return read_dense_as_stored(dense);
}

}  // namespace unfold::imaging_data
