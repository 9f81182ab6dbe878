#pragma once

#include <string>

#include "absl/status/status.h"

namespace unfold::engine {

/// True where the file begins as a PNG.
bool is_png(const std::string& path);
/// BAD_PRODUCT of `field` where it has no end.
absl::Status verify_png(const std::string& path, const std::string& field);

}  // namespace unfold::engine
