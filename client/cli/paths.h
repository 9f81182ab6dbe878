#pragma once

#include <string>

namespace unfold::cli {

/// A path as the server takes it: "root:relative" as typed, everything else absolute, by `folder`
/// (the current one). Purely by name: nothing is looked up, and "" stays "".
std::string server_path(const std::string& typed, const std::string& folder);
std::string server_path(const std::string& typed);

}  // namespace unfold::cli
