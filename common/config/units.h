#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/clock.h"

namespace unfold::config {

/// "15s", "0.2s", "250ms", "1h30m": not negative, not infinite. InvalidArgument names `field` and
/// shows a form that parses.
absl::StatusOr<Duration> parse_duration(std::string_view text, std::string_view field = "");

/// "4GiB", "512MB", "1048576" (bytes); kB, MB, GB, TB are powers of 1000, KiB ... TiB of 1024.
/// A bare "4G" is refused, as people disagree about it.
absl::StatusOr<std::int64_t> parse_size(std::string_view text, std::string_view field = "");

/// The shortest text that parse_duration() reads back: "1m30s".
std::string format_duration(Duration duration);

}  // namespace unfold::config
