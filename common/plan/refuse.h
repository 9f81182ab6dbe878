#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/base/error.h"

namespace unfold::plan {

/// InvalidArgument about one field of the specification.
inline absl::Status refuse(std::string field, std::string reason, std::string what, std::string why,
                           std::string remedy) {
  return error({.reason = std::move(reason),
                .field = std::move(field),
                .what = std::move(what),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

}  // namespace unfold::plan
