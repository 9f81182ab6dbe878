#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

namespace unfold::test {

/// Runs a script of this folder with Debian's python3 (which has astropy); its exit status, 77
/// where python or astropy is absent.
inline int run_peer(const std::string& script, const std::string& arguments) {
  const std::string command = "/usr/bin/python3 -B '" + std::string(UNFOLD_SOURCE_DIR) +
                              "/tests/common/" + script + "' " + arguments;
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return code == 127 ? 77 : code;
}
constexpr int kPeerAbsent = 77;

}  // namespace unfold::test
