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

[[noreturn]] void not_of_the_form(const std::string& text, const std::string& flag,
                                  const std::string& form) {
  throw CLI::ValidationError(flag, "'" + text + "' is not " + form);
}

/// `count` numbers with commas; `typed` is the flag's whole text.
std::vector<double> numbers_of(const std::string& part, const std::string& typed, std::size_t count,
                               const std::string& flag, const std::string& form) {
  std::vector<double> out;
  for (const std::string& text : std::vector<std::string>(absl::StrSplit(part, ','))) {
    out.emplace_back();
    if (!absl::SimpleAtod(text, &out.back())) not_of_the_form(typed, flag, form);
  }
  if (out.size() != count) not_of_the_form(typed, flag, form);
  return out;
}

std::pair<std::string, std::string> split_once(const std::string& text, char at) {
  const std::size_t found = text.find(at);
  if (found == std::string::npos) return {text, ""};
  return {text.substr(0, found), text.substr(found + 1)};
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
  const std::vector<double> numbers =
      numbers_of(text, text, 3, flag, "wmin,wmax,step [as in 5760,7620,0.8]");
  v1::WavelengthGrid grid;
  grid.set_min(numbers[0]);
  grid.set_max(numbers[1]);
  grid.set_step(numbers[2]);
  return grid;
}

void prior_flag(const std::string& text, const std::string& flag, v1::ImagingSpec& spec) {
  constexpr char kForm[] = "gamma:K, tsv:WEIGHT, entropy:WEIGHT or none [as in gamma:0.9]";
  const auto [kind, weight] = split_once(text, ':');
  if (text == "none") {
    spec.set_prior(v1::IMAGE_PRIOR_NONE);
    return;
  }
  if (kind == "gamma") spec.set_prior(v1::IMAGE_PRIOR_GAMMA);
  if (kind == "tsv") spec.set_prior(v1::IMAGE_PRIOR_TSV);
  if (kind == "entropy") spec.set_prior(v1::IMAGE_PRIOR_ENTROPY);
  if (spec.prior() == v1::IMAGE_PRIOR_UNSPECIFIED) not_of_the_form(text, flag, kForm);
  spec.set_prior_weight(numbers_of(weight, text, 1, flag, kForm)[0]);
}

v1::SkyRegion region_flag(const std::string& text, const std::string& flag) {
  constexpr char kForm[] = "NAME:L,B,RADIUS [as in bulge:0,0,12]";
  const auto [name, place] = split_once(text, ':');
  if (name.empty()) not_of_the_form(text, flag, kForm);
  const std::vector<double> numbers = numbers_of(place, text, 3, flag, kForm);
  v1::SkyRegion region;
  region.set_name(name);
  region.set_l(numbers[0]);
  region.set_b(numbers[1]);
  region.set_radius(numbers[2]);
  return region;
}

std::pair<double, double> range_flag(const std::string& text, const std::string& flag) {
  const std::vector<double> numbers = numbers_of(text, text, 2, flag, "MIN,MAX [as in 501,521]");
  return {numbers[0], numbers[1]};
}

std::vector<std::int32_t> integers_flag(const std::string& text, const std::string& flag) {
  std::vector<std::int32_t> out;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    out.emplace_back();
    if (!absl::SimpleAtoi(part, &out.back())) {
      not_of_the_form(text, flag, "whole numbers with commas [as in 1,2,5,10]");
    }
  }
  return out;
}

std::vector<std::int64_t> frames_flag(const std::string& text, const std::string& flag) {
  constexpr char kForm[] = "numbers and ranges with commas [as in 0-999,1500]";
  constexpr std::int64_t kMost = 100'000'000;  // a range of these is a slip
  std::vector<std::int64_t> out;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::vector<std::string> ends = absl::StrSplit(part, absl::MaxSplits('-', 1));
    std::int64_t first = 0;
    std::int64_t last = 0;
    if (!absl::SimpleAtoi(ends.front(), &first) || !absl::SimpleAtoi(ends.back(), &last) ||
        first < 0 || last < first || last > kMost) {
      not_of_the_form(text, flag, kForm);
    }
    for (; first <= last; ++first) out.push_back(first);
  }
  return out;
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
