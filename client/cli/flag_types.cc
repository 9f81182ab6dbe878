#include "client/cli/flag_types.h"

#include <CLI/Error.hpp>
#include <chrono>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/config/units.h"

namespace unfold::cli {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

Duration parsed(const std::string& text, const std::string& flag) {
  const absl::StatusOr<Duration> duration = config::parse_duration(text);
  if (!duration.ok()) {
    throw CLI::ValidationError(flag, std::string(duration.status().message()));
  }
  return *duration;
}

}  // namespace

google::protobuf::Duration duration_flag(const std::string& text, const std::string& flag) {
  const std::int64_t ns = parsed(text, flag).count();
  google::protobuf::Duration out;
  out.set_seconds(ns / kNanosecondsPerSecond);
  out.set_nanos(static_cast<std::int32_t>(ns % kNanosecondsPerSecond));
  return out;
}

double seconds_flag(const std::string& text, const std::string& flag) {
  return std::chrono::duration<double>(parsed(text, flag)).count();
}

google::protobuf::Timestamp deadline_flag(const std::string& text, const std::string& flag,
                                          const google::protobuf::Timestamp& now) {
  google::protobuf::Timestamp out;
  absl::Time time;
  if (std::string why; absl::ParseTime(absl::RFC3339_full, text, &time, &why)) {
    out.set_seconds(absl::ToUnixSeconds(time));
    return out;
  }
  const google::protobuf::Duration later = duration_flag(text, flag);
  const std::int64_t ns = std::int64_t{now.nanos()} + later.nanos();
  out.set_seconds(now.seconds() + later.seconds() + ns / kNanosecondsPerSecond);
  out.set_nanos(static_cast<std::int32_t>(ns % kNanosecondsPerSecond));
  return out;
}

v1::WavelengthGrid wavelength_flag(const std::string& text, const std::string& flag) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  v1::WavelengthGrid grid;
  double min = 0;
  double max = 0;
  double step = 0;
  if (parts.size() != 3 || !absl::SimpleAtod(parts[0], &min) || !absl::SimpleAtod(parts[1], &max) ||
      !absl::SimpleAtod(parts[2], &step)) {
    throw CLI::ValidationError(flag, "'" + text + "' is not wmin,wmax,step [as in 5760,7620,0.8]");
  }
  grid.set_min(min);
  grid.set_max(max);
  grid.set_step(step);
  return grid;
}

std::pair<std::string, std::string> label_flag(const std::string& text, const std::string& flag) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw CLI::ValidationError(flag, "'" + text + "' is not key=value [as in tile=1234]");
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::int64_t size_flag(const std::string& text, const std::string& flag) {
  const absl::StatusOr<std::int64_t> size = config::parse_size(text);
  if (!size.ok()) throw CLI::ValidationError(flag, std::string(size.status().message()));
  return *size;
}

}  // namespace unfold::cli
