#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <string>
#include <variant>

namespace unfold::engine {

/// An attribute of an HDF5 product.
using Parameter = std::variant<std::string, double, std::int64_t>;

/// Every set field of a specification that is one number or text, under `prefix` and its name
/// there. Enums have names of their own and are left to the caller, as are lists and messages.
std::map<std::string, Parameter> parameters_of(const google::protobuf::Message& message,
                                               const std::string& prefix);

}  // namespace unfold::engine
