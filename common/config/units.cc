#include "common/config/units.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/error.h"

namespace unfold::config {
namespace {

struct SizeUnit {
  std::string_view name;
  double bytes;
};
constexpr std::array<SizeUnit, 10> kSizeUnits = {{{"", 1.0},
                                                  {"B", 1.0},
                                                  {"kB", 1e3},
                                                  {"MB", 1e6},
                                                  {"GB", 1e9},
                                                  {"TB", 1e12},
                                                  {"KiB", 1024.0},
                                                  {"MiB", 1048576.0},
                                                  {"GiB", 1073741824.0},
                                                  {"TiB", 1099511627776.0}}};

absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status unreadable(std::string_view kind, std::string_view text, std::string_view field,
                        std::string_view examples) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_SETTING",
                .field = std::string(field),
                .what = absl::StrCat("\"", as_absl(text), "\" is not a ", as_absl(kind)),
                .why = field.empty() ? "" : absl::StrCat("for ", as_absl(field)),
                .remedy = absl::StrCat("write it like ", as_absl(examples))});
}

}  // namespace

absl::StatusOr<Duration> parse_duration(std::string_view text, std::string_view field) {
  absl::Duration parsed;
  const absl::Duration longest = absl::Hours(24 * 365 * 100);
  if (!absl::ParseDuration(std::string(text), &parsed) || parsed < absl::ZeroDuration() ||
      parsed > longest) {
    return unreadable("duration", text, field, "15s, 0.2s, 10m or 1h30m");
  }
  return absl::ToChronoNanoseconds(parsed);
}

absl::StatusOr<std::int64_t> parse_size(std::string_view text, std::string_view field) {
  constexpr std::string_view kExamples = "4GiB, 512MB or 1048576";
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  if (digits == 0 || !absl::SimpleAtod(as_absl(text.substr(0, digits)), &number)) {
    return unreadable("size", text, field, kExamples);
  }
  for (const SizeUnit& unit : kSizeUnits) {
    if (text.substr(digits) != unit.name) continue;
    const double bytes = number * unit.bytes;
    if (bytes >= 9.2e18) break;
    return static_cast<std::int64_t>(std::llround(bytes));
  }
  return unreadable("size", text, field, kExamples);
}

std::string format_duration(Duration duration) {
  return absl::FormatDuration(absl::FromChrono(duration));
}

}  // namespace unfold::config
