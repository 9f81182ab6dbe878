#include "common/plan/ranges.h"

#include "absl/strings/str_cat.h"
#include "common/plan/refuse.h"

namespace unfold::plan {

absl::Status out_of_range(const std::string& field, const std::string& value,
                          const std::string& wanted) {
  return refuse(field, "OUT_OF_RANGE", absl::StrCat(field, " is ", value),
                absl::StrCat("it must be ", wanted), "correct the option");
}

absl::Status check_number(const std::string& field, double value, double least, double most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return out_of_range(field, absl::StrCat(value),
                      absl::StrCat("a number from ", least, " to ", most));
}

absl::Status check_positive(const std::string& field, double value, double most) {
  if (value > 0 && value <= most) return absl::OkStatus();
  return out_of_range(field, absl::StrCat(value),
                      absl::StrCat("a number above 0 and up to ", most));
}

absl::Status check_known(const std::string& field, int value, bool known) {
  if (known) return absl::OkStatus();
  return out_of_range(field, absl::StrCat(value), "one that this version knows");
}

}  // namespace unfold::plan
