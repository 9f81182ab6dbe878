#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/writer.h"
#include "common/formats/spi/dragonfly.h"

namespace unfold::spi_data {
namespace {

absl::Status contradicts(const std::string& name) {
  return error({.reason = "WRONG_SHAPE",
                .what = "cannot write Dragonfly's output",
                .why = absl::StrCat(name, " has another length")});
}

// [modes, size, size, size]
absl::Status write_volumes(hdf5::Writer& writer, const std::string& name, std::int64_t size,
                           const std::vector<std::vector<double>>& modes) {
  std::vector<double> all;
  for (const std::vector<double>& mode : modes) {
    if (static_cast<std::int64_t>(mode.size()) != size * size * size) return contradicts(name);
    all.insert(all.end(), mode.begin(), mode.end());
  }
  return writer.dataset(name, {static_cast<std::int64_t>(modes.size()), size, size, size},
                        std::span<const double>(all));
}

template <class T>
absl::Status write_numbers(hdf5::Writer& writer, const std::string& name, std::int64_t frames,
                           const std::vector<T>& values) {
  if (values.empty()) return absl::OkStatus();
  if (static_cast<std::int64_t>(values.size()) != frames) return contradicts(name);
  return writer.dataset(name, {frames}, std::span<const T>(values));
}

absl::Status write_occupancy(hdf5::Writer& writer, const Iterate& iterate) {
  const std::size_t modes = iterate.intensity.size();
  std::vector<double> flat;
  for (const std::vector<double>& row : iterate.occupancy) {
    if (row.size() != modes) return contradicts("occupancies");
    flat.insert(flat.end(), row.begin(), row.end());
  }
  return writer.dataset(
      "occupancies",
      {static_cast<std::int64_t>(iterate.occupancy.size()), static_cast<std::int64_t>(modes)},
      std::span<const double>(flat));
}

}  // namespace

std::string iterate_name(int iteration) { return absl::StrFormat("output_%03d.h5", iteration); }

absl::Status write_iterate(const std::string& path, const Iterate& iterate) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  const auto frames = static_cast<std::int64_t>(iterate.orientation.size());
  UNFOLD_RETURN_IF_ERROR(write_volumes(writer, "intens", iterate.size, iterate.intensity));
  if (!iterate.weight.empty()) {
    UNFOLD_RETURN_IF_ERROR(write_volumes(writer, "inter_weight", iterate.size, iterate.weight));
  }
  UNFOLD_RETURN_IF_ERROR(write_numbers(writer, "orientations", frames, iterate.orientation));
  UNFOLD_RETURN_IF_ERROR(write_numbers(writer, "scale", frames, iterate.scale));
  UNFOLD_RETURN_IF_ERROR(write_numbers(writer, "likelihood", frames, iterate.likelihood));
  UNFOLD_RETURN_IF_ERROR(write_numbers(writer, "mutual_info", frames, iterate.mutual_info));
  if (!iterate.occupancy.empty()) UNFOLD_RETURN_IF_ERROR(write_occupancy(writer, iterate));
  return writer.finish();
}

std::string log_text(const Log& log) {
  std::string out =
      "Orientations by unfold's single-particle engine, in the layout of Dragonfly's EMC.log\n\n";
  absl::StrAppend(&out, "Data parameters:\n\tnum_data = ",
                  log.blacklisted > 0 ? absl::StrCat(log.frames - log.blacklisted, "/") : "",
                  log.frames, "\n");
  absl::StrAppendFormat(&out, "\tmean_count = %f\n\nSystem size:\n", log.mean_count);
  absl::StrAppendFormat(&out, "\tnum_rot = %d\n\tnum_pix = %d/%d\n", log.rotations, log.good_pixels,
                        log.pixels);
  absl::StrAppendFormat(&out, "\tsystem_volume = %d X %d X %d X %d\n\n", log.modes, log.size,
                        log.size, log.size);
  absl::StrAppendFormat(&out,
                        "Reconstruction parameters:\n\tnum_threads = %d\n\tnum_proc = 1\n"
                        "\talpha = 0.000000\n\tbeta = %.6f\n\tneed_scaling = %s\n\n",
                        log.threads, log.beta, log.need_scaling ? "yes" : "no");
  absl::StrAppend(&out, "Iter\ttime\trms_change\tinfo_rate\tlog-likelihood\tnum_rot\tbeta\n");
  for (const Log::Line& line : log.lines) {
    absl::StrAppendFormat(&out, "%d\t%4.2f\t%1.4e\t%f\t%.6e\t%-7d\t%f\n", line.iteration,
                          line.seconds, line.rms_change, line.mutual_info, line.likelihood,
                          line.rotations, line.beta);
  }
  return out;
}

}  // namespace unfold::spi_data
