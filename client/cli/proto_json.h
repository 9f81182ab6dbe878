#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace unfold::cli {

/// The proto JSON mapping of `message` (camelCase names, 64-bit integers as strings, fields without
/// presence always there), with enum values shorn of their type's prefix: "RUNNING".
nlohmann::ordered_json to_json(const google::protobuf::Message& message);

/// "RUNNING" for JOB_STATE_RUNNING; empty for the zero value.
std::string short_name(const google::protobuf::EnumDescriptor* type, int value);

}  // namespace unfold::cli
