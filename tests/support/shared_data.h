#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace unfold::test {

/// A file of the shared data ("data/extraction/..."), or an empty path where it is absent: skip the
/// test then. UNFOLD_SHARED names the folder; default: `shared` beside the checkout.
inline std::filesystem::path shared_file(const std::string& relative) {
  const char* set = std::getenv("UNFOLD_SHARED");
  const std::filesystem::path base =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(UNFOLD_SOURCE_DIR).parent_path() / "shared";
  const std::filesystem::path file = base / relative;
  return std::filesystem::exists(file) ? file : std::filesystem::path();
}

}  // namespace unfold::test
