#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

namespace unfold::cli {

/// "0.4 s", "52 s", "3 min 5 s", "2 h 10 min", "4 d 3 h".
std::string people_duration(double seconds);

/// "512 B", "1.5 KiB", "3.2 GiB".
std::string people_bytes(std::int64_t bytes);

/// At most `digits` significant digits, without trailing zeros: "1.02".
std::string people_number(double value, int digits = 4);

/// UTC, RFC 3339 with seconds; empty for the zero time.
std::string utc(const google::protobuf::Timestamp& time);

/// Seconds from `from` to `to`.
double seconds_between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to);

google::protobuf::Timestamp timestamp_now();

}  // namespace unfold::cli
