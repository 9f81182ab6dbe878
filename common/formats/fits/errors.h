#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/base/error.h"

namespace unfold::fits {

/// "cannot read "FILE" (why) [remedy]" with the reason; InvalidArgument.
absl::Status bad_file(std::string_view shown, std::string reason, std::string why,
                      std::string remedy);

/// The same error, told of a file: "cannot read "FILE" (what was wrong) [remedy]". Errors that
/// bad_file() made pass unchanged, as does ok.
absl::Status in_file(const absl::Status& status, std::string_view shown, std::string_view where);

/// A header's text as it may be shown: printable ASCII, at most 60 characters.
std::string printable(std::string_view text);

}  // namespace unfold::fits
