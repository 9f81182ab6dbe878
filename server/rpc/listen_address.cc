#include "server/rpc/listen_address.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/error.h"

namespace unfold::server {
namespace {

absl::Status bad_address(std::string_view text, std::string why) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_SETTING",
                .field = "listen",
                .what = absl::StrCat("cannot listen on \"", std::string(text), "\""),
                .why = std::move(why),
                .remedy = "use unix:PATH or HOST:PORT"});
}

sockaddr_un socket_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(static_cast<void*>(name.sun_path), path.data(), path.size());
  return name;
}

bool someone_answers(const std::string& path) {
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const sockaddr_un name = socket_name(path);
  const bool answered = connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  close(probe);
  return answered;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host == "::1" || host.rfind("127.", 0) == 0;
}

}  // namespace

absl::StatusOr<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address{.text = std::string(text), .unix_path = {}, .host = {}};
  absl::string_view rest(text.data(), text.size());
  if (absl::ConsumePrefix(&rest, "unix:")) {
    if (rest.empty()) return bad_address(text, "the path is empty");
    if (rest.size() >= sizeof(sockaddr_un::sun_path)) {
      return bad_address(text, absl::StrCat("a socket's path has at most ",
                                            sizeof(sockaddr_un::sun_path) - 1, " bytes"));
    }
    address.unix_path = std::string(rest);
    return address;
  }
  const std::size_t colon = rest.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(rest.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return bad_address(text, "no port from 0 to 65535 after a host");
  }
  address.host = std::string(rest.substr(0, colon));
  return address;
}

absl::Status check_exposure(const ListenAddress& address, bool insecure) {
  if (insecure || !address.unix_path.empty() || is_loopback(address.host)) return absl::OkStatus();
  return error({.code = absl::StatusCode::kPermissionDenied,
                .reason = "NOT_LOOPBACK",
                .field = "listen",
                .what = absl::StrCat("refusing to listen on ", address.text),
                .why = "there is no access control yet, and other machines could reach it",
                .remedy = "use unix:PATH or 127.0.0.1:PORT, or accept it with --insecure"});
}

absl::Status prepare_socket(const ListenAddress& address) {
  if (address.unix_path.empty()) return absl::OkStatus();
  const std::filesystem::path folder = std::filesystem::path(address.unix_path).parent_path();
  if (!folder.empty() && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return error({.code = absl::StatusCode::kFailedPrecondition,
                  .reason = "BAD_SETTING",
                  .field = "listen",
                  .what = absl::StrCat("cannot make the folder of ", address.text),
                  .why = std::strerror(errno),
                  .remedy = "give another place with --listen"});
  }
  if (!someone_answers(address.unix_path)) return absl::OkStatus();
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "ALREADY_RUNNING",
                .field = "listen",
                .what = absl::StrCat("cannot listen on ", address.text),
                .why = "another server answers there",
                .remedy = "stop it, or give another place with --listen"});
}

}  // namespace unfold::server
