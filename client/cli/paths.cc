#include "client/cli/paths.h"

#include <filesystem>
#include <system_error>

namespace unfold::cli {
namespace {

// "root:x", but not "./a:b" or "/a:b": a colon counts before any slash.
bool is_rooted(const std::string& typed) {
  const std::size_t colon = typed.find(':');
  return colon != std::string::npos && colon > 0 && typed.find('/') > colon;
}

}  // namespace

std::string server_path(const std::string& typed, const std::string& folder) {
  if (typed.empty() || is_rooted(typed)) return typed;
  std::string path = (std::filesystem::path(folder) / typed).lexically_normal().string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string server_path(const std::string& typed) {
  std::error_code problem;
  const std::filesystem::path folder = std::filesystem::current_path(problem);
  return server_path(typed, folder.string());
}

}  // namespace unfold::cli
