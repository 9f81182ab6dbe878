#include "common/formats/imaging/hdf5_background.h"

#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/slabs.h"

namespace unfold::imaging_data {
namespace {

constexpr double kMost = std::numeric_limits<double>::max();

Field full(const std::string& name, std::int64_t times, std::int64_t bins) {
  return {.name = name, .shape = {times, bins}, .axes = "[T, D]"};
}
Field spectrum(const std::string& name, std::int64_t bins) {
  return {.name = name + "/spectrum", .shape = {bins}, .axes = "[D]"};
}
Field scale(const std::string& name, std::int64_t times) {
  return {.name = name + "/scale", .shape = {times}, .axes = "[T]"};
}

absl::StatusOr<bool> factorises(const Fields& fields, const std::string& name) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, fields.file().kind_of(fields.path(name)));
  return kind == hdf5::ObjectKind::kGroup;
}

// In slabs, so that values are checked while they are in cache.
absl::StatusOr<std::vector<double>> read_full(const hdf5::Dataset& from) {
  const hdf5::DatasetInfo& info = from.info();
  const std::int64_t at_once = rows_at_once(info);
  const auto bins = static_cast<std::size_t>(info.shape[1]);
  std::vector<double> out(static_cast<std::size_t>(info.elements()));
  for (std::int64_t first = 0; first < info.shape[0]; first += at_once) {
    const std::int64_t count = std::min(at_once, info.shape[0] - first);
    const std::size_t begin = static_cast<std::size_t>(first) * bins;
    const std::span<double> rows =
        std::span(out).subspan(begin, static_cast<std::size_t>(count) * bins);
    UNFOLD_RETURN_IF_ERROR(from.read(rows_of(info, first, count), rows));
    bool fine = true;
    for (const double value : rows) fine &= value >= 0 && value <= kMost;
    for (std::size_t i = 0; !fine && i < rows.size(); ++i) {
      if (rows[i] >= 0 && rows[i] <= kMost) continue;
      return bad_value(from, static_cast<std::int64_t>(begin + i), rows[i], "finite, 0 or more");
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> background_names(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(const auto children, fields.file().children(fields.group()));
  std::vector<std::string> out;
  for (const hdf5::Child& child : children) {
    if (absl::StartsWith(child.name, "background")) out.push_back(child.name);
  }
  return out;
}

absl::StatusOr<std::int64_t> count_background(const Fields& fields, const std::string& name,
                                              std::int64_t times, std::int64_t bins) {
  UNFOLD_ASSIGN_OR_RETURN(const bool factors, factorises(fields, name));
  if (!factors) {
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset all, fields.dataset(full(name, times, bins)));
    return all.info().elements();
  }
  UNFOLD_RETURN_IF_ERROR(fields.dataset(spectrum(name, bins)).status());
  UNFOLD_RETURN_IF_ERROR(fields.dataset(scale(name, times)).status());
  return times + bins;
}

absl::StatusOr<BackgroundTemplate> read_background(const Fields& fields, const std::string& name,
                                                   std::int64_t times, std::int64_t bins) {
  BackgroundTemplate out;
  out.name = name;
  UNFOLD_ASSIGN_OR_RETURN(const bool factors, factorises(fields, name));
  if (factors) {
    UNFOLD_ASSIGN_OR_RETURN(out.spectrum, fields.numbers(spectrum(name, bins), 0, kMost));
    UNFOLD_ASSIGN_OR_RETURN(out.scale, fields.numbers(scale(name, times), 0, kMost));
    return out;
  }
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset from, fields.dataset(full(name, times, bins)));
  UNFOLD_ASSIGN_OR_RETURN(out.full, read_full(from));
  out.bins = bins;
  return out;
}

}  // namespace unfold::imaging_data
