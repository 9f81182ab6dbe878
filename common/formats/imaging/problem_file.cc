#include "common/formats/imaging/problem_file.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/writer.h"
#include "common/formats/imaging/units.h"

namespace unfold::imaging_data {
namespace {

constexpr int kDeflate = 1;
constexpr std::int64_t kRowsOfChunk = 64;

std::string in_group(const std::string& name) { return "in/" + name; }

absl::Status mark(hdf5::Writer& writer, const std::string& name, Unit unit) {
  return writer.attribute(in_group(name), "unit", std::string(unit_text(unit)));
}

template <class T>
absl::Status put(hdf5::Writer& writer, const std::string& name,
                 const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
  return writer.dataset(in_group(name), shape, std::span<const T>(values));
}

template <class T>
absl::Status put(hdf5::Writer& writer, const std::string& name,
                 const std::vector<std::int64_t>& shape, const std::vector<T>& values, Unit unit) {
  UNFOLD_RETURN_IF_ERROR(put(writer, name, shape, values));
  return mark(writer, name, unit);
}

absl::Status write_sky(hdf5::Writer& writer, const ProblemParts& parts) {
  const sky::Grid& sky = parts.sky;
  const std::vector<std::int64_t> shape = {sky.pixels()};
  UNFOLD_RETURN_IF_ERROR(put(writer, "l_deg", shape, sky.l_deg, Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(put(writer, "b_deg", shape, sky.b_deg, Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(put(writer, "dOmega", shape, sky.solid_angle, Unit::kSolidAngle));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("in", "zenith_cut_deg", parts.zenith_cut_deg));
  if (sky.kind == sky::GridKind::kHealpix) {
    UNFOLD_RETURN_IF_ERROR(writer.attribute("in", "nside", std::int64_t{sky.nside}));
    return writer.attribute("in", "ordering", std::string(sky.nested ? "NESTED" : "RING"));
  }
  UNFOLD_RETURN_IF_ERROR(writer.attribute("in", "nl", std::int64_t{sky.nl}));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("in", "nb", std::int64_t{sky.nb}));
  return writer.attribute("in", "pix_deg", 180.0 / sky.nb);
}

absl::Status write_response(hdf5::Writer& writer, const ProblemParts& parts) {
  if (!parts.cds_index.empty()) {
    UNFOLD_RETURN_IF_ERROR(put(writer, "cds_index", {parts.bins}, parts.cds_index));
  }
  return put(writer, "instrument_response_cm2", {parts.directions, parts.bins},
             parts.instrument_response, Unit::kArea);
}

absl::Status write_attitude(hdf5::Writer& writer, const Attitude& attitude, std::int64_t pixels) {
  const auto pointings = static_cast<std::int64_t>(attitude.live_time.size());
  std::vector<std::int64_t> shape = {pointings, pixels};
  if (attitude.lookup.neighbours > 1) shape.push_back(attitude.lookup.neighbours);
  UNFOLD_RETURN_IF_ERROR(put(writer, "dt", {pointings}, attitude.live_time, Unit::kTime));
  UNFOLD_RETURN_IF_ERROR(put(writer, "time_bin", {pointings}, attitude.time_bin));
  UNFOLD_RETURN_IF_ERROR(put(writer, "lookup_k", shape, attitude.lookup.direction));
  if (!attitude.lookup.weight.empty()) {
    UNFOLD_RETURN_IF_ERROR(put(writer, "lookup_weight", shape, attitude.lookup.weight));
  }
  if (attitude.axes.empty()) return absl::OkStatus();
  std::vector<double> rows;
  for (const sky::Axes& axes : attitude.axes) rows.insert(rows.end(), axes.begin(), axes.end());
  return put(writer, "pointing_axes_galactic", {pointings, 3, 3}, rows);
}

// Deflated, in the narrowest type: most of them are zero.
template <class T>
absl::Status write_dense(hdf5::Writer& writer, const ProblemParts& parts) {
  const Counts& counts = parts.counts;
  std::vector<T> dense(static_cast<std::size_t>(parts.times * parts.bins));
  for (std::size_t t = 0; t + 1 < counts.begin.size(); ++t) {
    for (std::ptrdiff_t e = counts.begin[t]; e < counts.begin[t + 1]; ++e) {
      const auto event = static_cast<std::size_t>(e);
      const std::size_t at =
          t * static_cast<std::size_t>(parts.bins) + static_cast<std::size_t>(counts.bin[event]);
      dense[at] = static_cast<T>(counts.value[event]);
    }
  }
  return writer.dataset(in_group("counts"), {parts.times, parts.bins}, std::span<const T>(dense),
                        {{std::min(kRowsOfChunk, parts.times), parts.bins}, kDeflate});
}

absl::Status write_counts(hdf5::Writer& writer, const ProblemParts& parts, bool events) {
  const Counts& counts = parts.counts;
  if (events) {
    const auto number = static_cast<std::int64_t>(counts.bin.size());
    const std::vector<std::int64_t> begin(counts.begin.begin(), counts.begin.end());
    UNFOLD_RETURN_IF_ERROR(put(writer, "events_begin", {parts.times + 1}, begin));
    UNFOLD_RETURN_IF_ERROR(put(writer, "events_bin", {number}, counts.bin));
    return put(writer, "events_count", {number}, counts.value, Unit::kCounts);
  }
  const double most =
      counts.value.empty() ? 0 : *std::max_element(counts.value.begin(), counts.value.end());
  const auto fits = [most](auto limit) { return most <= static_cast<double>(limit); };
  UNFOLD_RETURN_IF_ERROR(
      fits(std::numeric_limits<std::uint8_t>::max())    ? write_dense<std::uint8_t>(writer, parts)
      : fits(std::numeric_limits<std::uint16_t>::max()) ? write_dense<std::uint16_t>(writer, parts)
                                                        : write_dense<std::int64_t>(writer, parts));
  return mark(writer, "counts", Unit::kCounts);
}

absl::Status write_background(hdf5::Writer& writer, const std::string& name,
                              const BackgroundTemplate& background, const ProblemParts& parts) {
  if (!background.full.empty()) {
    return put(writer, name, {parts.times, parts.bins}, background.full, Unit::kCounts);
  }
  if (background.spectrum.empty()) return absl::OkStatus();
  UNFOLD_RETURN_IF_ERROR(put(writer, name + "/spectrum", {parts.bins}, background.spectrum));
  return put(writer, name + "/scale", {parts.times}, background.scale);
}

absl::Status write_sky_vectors(hdf5::Writer& writer, const ProblemParts& parts) {
  const std::vector<std::int64_t> shape = {parts.sky.pixels()};
  if (!parts.truth.empty()) {
    UNFOLD_RETURN_IF_ERROR(put(writer, "truth", shape, parts.truth, Unit::kIntensity));
  }
  if (!parts.exposure.empty()) {
    UNFOLD_RETURN_IF_ERROR(put(writer, "exposure", shape, parts.exposure, Unit::kExposure));
  }
  if (parts.energy_edges.empty()) return absl::OkStatus();
  const auto edges = static_cast<std::int64_t>(parts.energy_edges.size());
  return put(writer, "energy_edges", {edges}, parts.energy_edges, Unit::kEnergy);
}

absl::Status check_free(const std::string& path, bool overwrite) {
  if (overwrite || !std::filesystem::exists(path)) return absl::OkStatus();
  return error({.code = absl::StatusCode::kAlreadyExists,
                .reason = "OUTPUT_EXISTS",
                .what = absl::StrCat("cannot write \"", path, "\""),
                .why = "it exists",
                .remedy = "say --overwrite, or name another file"});
}

std::string part_of(const std::string& path) { return path + ".part"; }

absl::Status give_name(const std::string& path) {
  std::error_code failure;
  std::filesystem::rename(part_of(path), path, failure);
  if (!failure) return absl::OkStatus();
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "WRITE_FAILED",
                .what = absl::StrCat("cannot write \"", path, "\""),
                .why = failure.message(),
                .remedy = "check the folder"});
}

absl::Status write_data(const std::string& path, const ProblemParts& parts,
                        const ProblemFileOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  UNFOLD_RETURN_IF_ERROR(writer.group("in"));
  UNFOLD_RETURN_IF_ERROR(write_sky(writer, parts));
  UNFOLD_RETURN_IF_ERROR(write_counts(writer, parts, options.events));
  UNFOLD_RETURN_IF_ERROR(write_attitude(writer, parts.attitude, parts.sky.pixels()));
  UNFOLD_RETURN_IF_ERROR(write_background(writer, "background_dc1", parts.background_dc1, parts));
  UNFOLD_RETURN_IF_ERROR(write_background(writer, "background_live", parts.background_live, parts));
  if (!parts.group.empty()) {
    UNFOLD_RETURN_IF_ERROR(put(writer, "group", {parts.times}, parts.group));
  }
  UNFOLD_RETURN_IF_ERROR(write_sky_vectors(writer, parts));
  if (options.response_path.empty()) UNFOLD_RETURN_IF_ERROR(write_response(writer, parts));
  return writer.finish();
}

absl::Status write_response_file(const std::string& path, const ProblemParts& parts) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  UNFOLD_RETURN_IF_ERROR(writer.group("in"));
  UNFOLD_RETURN_IF_ERROR(write_response(writer, parts));
  return writer.finish();
}

}  // namespace

absl::Status write_problem(const std::string& path, const ProblemParts& parts,
                           const ProblemFileOptions& options) {
  UNFOLD_RETURN_IF_ERROR(check_free(path, options.overwrite));
  UNFOLD_RETURN_IF_ERROR(write_data(part_of(path), parts, options));
  if (!options.response_path.empty()) {
    UNFOLD_RETURN_IF_ERROR(check_free(options.response_path, options.overwrite));
    UNFOLD_RETURN_IF_ERROR(write_response_file(part_of(options.response_path), parts));
    UNFOLD_RETURN_IF_ERROR(give_name(options.response_path));
  }
  return give_name(path);
}

}  // namespace unfold::imaging_data
