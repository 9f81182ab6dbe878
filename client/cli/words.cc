#include "client/cli/words.h"

#include <array>
#include <chrono>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace unfold::cli {

std::string people_duration(double seconds) {
  if (seconds < 0) return absl::StrCat("-", people_duration(-seconds));
  if (seconds < 10) return absl::StrFormat("%.1f s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  const auto two = [](std::int64_t large, const char* unit, std::int64_t small, const char* part) {
    return small == 0 ? absl::StrCat(large, unit) : absl::StrCat(large, unit, " ", small, part);
  };
  if (whole < 60) return absl::StrCat(whole, " s");
  if (whole < 3600) return two(whole / 60, " min", whole % 60, " s");
  if (whole < 86400) return two(whole / 3600, " h", whole % 3600 / 60, " min");
  return two(whole / 86400, " d", whole % 86400 / 3600, " h");
}

std::string people_bytes(std::int64_t bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string people_number(double value, int digits) {
  return absl::StrFormat("%.*g", digits, value);
}

std::string utc(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

double seconds_between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return static_cast<double>(to.seconds() - from.seconds()) +
         1e-9 * static_cast<double>(to.nanos() - from.nanos());
}

google::protobuf::Timestamp timestamp_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
  google::protobuf::Timestamp now;
  now.set_seconds(ns / 1'000'000'000);
  now.set_nanos(static_cast<std::int32_t>(ns % 1'000'000'000));
  return now;
}

}  // namespace unfold::cli
