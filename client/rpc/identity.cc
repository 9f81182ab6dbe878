#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "client/rpc/client.h"

namespace unfold::client {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::string default_server() {
  if (std::string set = variable("UNFOLD_SERVER"); !set.empty()) return set;
  std::string folder = variable("XDG_RUNTIME_DIR");
  if (folder.empty()) folder = absl::StrCat("/tmp/unfold-", getuid());
  return absl::StrCat("unix:", folder, "/unfold.sock");
}

std::string current_user() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return absl::StrCat(getuid());
}

}  // namespace unfold::client
