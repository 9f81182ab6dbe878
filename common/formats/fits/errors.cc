#include "common/formats/fits/errors.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace unfold::fits {

absl::Status bad_file(std::string_view shown, std::string reason, std::string why,
                      std::string remedy) {
  return error({.reason = std::move(reason),
                .what = absl::StrCat("cannot read \"", std::string(shown), "\""),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

absl::Status in_file(const absl::Status& status, std::string_view shown, std::string_view where) {
  if (status.ok() || absl::StartsWith(status.message(), "cannot read ")) return status;
  std::string why(status.message());
  if (!where.empty()) absl::StrAppend(&why, " in ", std::string(where));
  return bad_file(shown, reason_of(status), std::move(why), "check that this is the right file");
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 60));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

}  // namespace unfold::fits
