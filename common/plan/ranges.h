#pragma once

#include <string>

#include "absl/status/status.h"

namespace unfold::plan {

// OUT_OF_RANGE of one field, as "spi.grid"; its value and what it takes are shown.

absl::Status out_of_range(const std::string& field, const std::string& value,
                          const std::string& wanted);
/// NaN is in no range.
absl::Status check_number(const std::string& field, double value, double least, double most);
absl::Status check_positive(const std::string& field, double value, double most);
/// An enum may hold a number that this version does not know.
absl::Status check_known(const std::string& field, int value, bool known);

}  // namespace unfold::plan
