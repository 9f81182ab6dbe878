#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::server {

/// Where the API listens: "unix:PATH" or "HOST:PORT" (port 0: any free one).
struct ListenAddress {
  std::string text;       ///< as gRPC takes it
  std::string unix_path;  ///< empty for TCP
  std::string host;
};

/// InvalidArgument for what is neither form, or a path too long for a socket.
absl::StatusOr<ListenAddress> parse_listen_address(std::string_view text);

/// Anyone who reaches the API may do anything, so until there is access control it listens on a
/// Unix socket or the loopback interface; PermissionDenied for other hosts unless `insecure`.
absl::Status check_exposure(const ListenAddress& address, bool insecure);

/// Makes the socket's folder (mode 0700) and refuses, with FailedPrecondition, a socket on which
/// another server answers. Does nothing for TCP.
absl::Status prepare_socket(const ListenAddress& address);

}  // namespace unfold::server
