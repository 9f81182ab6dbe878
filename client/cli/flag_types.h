#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <utility>
#include <vector>

#include "unfold/v1/types.pb.h"

namespace unfold::cli {

// What a flag's text means. Each throws CLI::ValidationError (exit 2) on text that does not parse.

/// "15s", "1h30m".
google::protobuf::Duration duration_flag(const std::string& text, const std::string& flag);
double seconds_flag(const std::string& text, const std::string& flag);

/// "15m" from `now`, or "2026-11-20T06:00:00Z".
google::protobuf::Timestamp deadline_flag(const std::string& text, const std::string& flag,
                                          const google::protobuf::Timestamp& now);

/// "wmin,wmax,step" in Angstrom; nan and inf parse (the server refuses them).
v1::WavelengthGrid wavelength_flag(const std::string& text, const std::string& flag);

/// "key=value"; the value may be empty or hold more "=".
std::pair<std::string, std::string> label_flag(const std::string& text, const std::string& flag);

/// "gamma:0.9" or "none", into a spec.
void prior_flag(const std::string& text, const std::string& flag, v1::ImagingSpec& spec);

/// "bulge:0,0,12": a name, galactic degrees and a radius.
v1::SkyRegion region_flag(const std::string& text, const std::string& flag);

/// "501,521".
std::pair<double, double> range_flag(const std::string& text, const std::string& flag);

/// "1,2,5,10".
std::vector<std::int32_t> integers_flag(const std::string& text, const std::string& flag);

/// "0-999,1500": numbers and ranges, both ends included.
std::vector<std::int64_t> frames_flag(const std::string& text, const std::string& flag);

std::int64_t size_flag(const std::string& text, const std::string& flag);

}  // namespace unfold::cli
