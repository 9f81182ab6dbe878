#include "common/formats/imaging/hdf5_attitude.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace unfold::imaging_data {
namespace {

constexpr std::uint16_t kOutside = 65535;
constexpr std::int64_t kMostLookups = std::int64_t{1} << 33;
constexpr double kMostSeconds = 1e12;
constexpr double kMostWeight = 1e6;
constexpr std::int64_t kNeighbours = 4;

Field live_time() { return {"dt", {-1}, "[V]", Unit::kTime}; }
Field time_bin(std::int64_t pointings) { return {"time_bin", {pointings}, "[V]", Unit::kCounts}; }
Field axes(std::int64_t pointings) {
  return {"pointing_axes_galactic", {pointings, 3, 3}, "[V, 3, 3]", Unit::kCounts};
}
Field lookup(const std::string& name, const AttitudePlace& place, std::int64_t pixels) {
  if (place.neighbours == 1) return {name, {place.pointings, pixels}, "[V, P]", Unit::kCounts};
  return {name, {place.pointings, pixels, place.neighbours}, "[V, P, 4]", Unit::kCounts};
}

absl::Status check_lookup_type(const hdf5::Dataset& from) {
  const hdf5::DatasetInfo& info = from.info();
  if (info.elements() > kMostLookups) {
    return from.problem("TOO_LARGE", absl::StrCat("its shape is ", info.shape_text()));
  }
  if (info.kind == hdf5::Kind::kInteger && !info.is_signed && info.element_bytes <= 2) {
    return absl::OkStatus();
  }
  return from.problem("WRONG_TYPE", "it holds no unsigned 16-bit integers");
}

absl::StatusOr<std::vector<std::uint16_t>> read_directions(const hdf5::Dataset& from,
                                                           std::int64_t directions) {
  UNFOLD_ASSIGN_OR_RETURN(auto out, from.read_all<std::uint16_t>(kMostLookups));
  const auto limit = static_cast<std::uint16_t>(std::min<std::int64_t>(directions, kOutside));
  bool fine = true;
  for (const std::uint16_t k : out) fine &= (k < limit) | (k == kOutside);
  if (fine) return out;
  const auto bad = std::find_if(out.begin(), out.end(), [directions](std::uint16_t k) {
    return k >= directions && k != kOutside;
  });
  return bad_value(from, bad - out.begin(), *bad,
                   absl::StrCat("below ", directions, ", or 65535 outside the view"));
}

absl::StatusOr<std::vector<float>> read_weights(const hdf5::Dataset& from) {
  UNFOLD_ASSIGN_OR_RETURN(auto out, from.read_all<float>(kMostLookups));
  const auto bad = std::find_if(out.begin(), out.end(), [](float weight) {
    return !(weight >= 0 && static_cast<double>(weight) <= kMostWeight);
  });
  if (bad == out.end()) return out;
  return bad_value(from, bad - out.begin(), static_cast<double>(*bad), "finite, 0 or more");
}

}  // namespace

absl::StatusOr<AttitudePlace> find_attitude(const Fields& fields, std::int64_t times,
                                            std::int64_t pixels) {
  AttitudePlace out;
  UNFOLD_ASSIGN_OR_RETURN(const auto seconds, fields.numbers(live_time(), 0, kMostSeconds));
  out.pointings = static_cast<std::int64_t>(seconds.size());
  UNFOLD_RETURN_IF_ERROR(fields.integers(time_bin(out.pointings), 0, times - 1).status());
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset any, fields.file().dataset(fields.path("lookup_k")));
  out.neighbours = any.info().shape.size() == 3 ? kNeighbours : 1;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset direction,
                          fields.dataset(lookup("lookup_k", out, pixels)));
  UNFOLD_RETURN_IF_ERROR(check_lookup_type(direction));
  UNFOLD_ASSIGN_OR_RETURN(const auto weights,
                          fields.optional_dataset(lookup("lookup_weight", out, pixels)));
  out.weights = weights.has_value();
  if (out.neighbours > 1 && !out.weights) {
    return direction.problem("MISSING_OBJECT", "it has four neighbours and no lookup_weight");
  }
  UNFOLD_ASSIGN_OR_RETURN(const auto pointing, fields.optional_dataset(axes(out.pointings)));
  out.axes = pointing.has_value();
  return out;
}

absl::StatusOr<Attitude> read_attitude(const Fields& fields, const AttitudePlace& place,
                                       std::int64_t times, std::int64_t pixels,
                                       std::int64_t directions) {
  Attitude out;
  UNFOLD_ASSIGN_OR_RETURN(out.live_time, fields.numbers(live_time(), 0, kMostSeconds));
  UNFOLD_ASSIGN_OR_RETURN(const auto bins,
                          fields.integers(time_bin(place.pointings), 0, times - 1));
  out.time_bin.assign(bins.begin(), bins.end());
  out.lookup.neighbours = place.neighbours;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset direction,
                          fields.dataset(lookup("lookup_k", place, pixels)));
  UNFOLD_ASSIGN_OR_RETURN(out.lookup.direction, read_directions(direction, directions));
  if (place.weights) {
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset weight,
                            fields.dataset(lookup("lookup_weight", place, pixels)));
    UNFOLD_ASSIGN_OR_RETURN(out.lookup.weight, read_weights(weight));
  }
  if (place.axes) {
    UNFOLD_ASSIGN_OR_RETURN(const auto rows,
                            fields.numbers(axes(place.pointings), -1 - 1e-9, 1 + 1e-9));
    out.axes.resize(static_cast<std::size_t>(place.pointings));
    for (std::size_t i = 0; i < rows.size(); ++i) out.axes[i / 9][i % 9] = rows[i];
  }
  return out;
}

}  // namespace unfold::imaging_data
