#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace unfold {

/// What went wrong, as a person needs it: "what (why) [remedy]".
struct Problem {
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  std::string reason{};  ///< UPPER_SNAKE_CASE, closed set, listed in docs/operations.md
  std::string field{};   ///< request field at fault, dotted, or empty
  std::string what{};
  std::string why{};
  std::string remedy{};
};

/// A status whose message is "what (why) [remedy]" (empty parts are left out) and whose payload
/// carries reason and field. Paths in the parts are the user's own, never resolved ones.
absl::Status error(const Problem& problem);

/// The parts that error() put in, empty where `status` has none.
std::string reason_of(const absl::Status& status);
std::string field_of(const absl::Status& status);

/// The same error with another field name (a caller knows which input of the request failed).
absl::Status with_field(const absl::Status& status, std::string_view field);

/// Serialised unfold.v1.ErrorDetail for the trailer `unfold-error-bin`, and back.
std::string error_detail_bytes(const absl::Status& status);
absl::Status status_from_wire(absl::StatusCode code, std::string_view message,
                              std::string_view detail_bytes);

}  // namespace unfold
