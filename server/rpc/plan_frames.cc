#include "server/rpc/plan_frames.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace unfold::server {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;
constexpr std::size_t kHeader = 5;

int milliseconds_left(const Deadline& deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - SteadyClock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

absl::Status wait_readable(int fd, const Deadline& deadline) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  for (;;) {
    const int ready = poll(&watched, 1, milliseconds_left(deadline));
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::DeadlineExceededError("no answer in time");
    if (errno != EINTR) return absl::UnavailableError(std::strerror(errno));
  }
}

// How much came before the end of the stream: all of `size`, or less when the peer is gone.
absl::StatusOr<std::size_t> read_up_to(int fd, char* out, std::size_t size,
                                       const Deadline& deadline) {
  std::size_t done = 0;
  while (done < size) {
    UNFOLD_RETURN_IF_ERROR(wait_readable(fd, deadline));
    const ssize_t got = read(fd, out + done, size - done);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ECONNRESET) break;
    if (got < 0) return absl::UnavailableError(std::strerror(errno));
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

absl::Status write_frame(int fd, const PlanFrame& frame) {
  const auto length = static_cast<std::uint32_t>(frame.body.size());
  std::string bytes(kHeader, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes[4] = static_cast<char>(frame.kind);
  bytes += frame.body;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t sent = send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return absl::UnavailableError(std::strerror(errno));
    done += static_cast<std::size_t>(sent);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<PlanFrame>> read_frame(int fd, std::optional<Duration> limit) {
  const Deadline deadline = limit ? Deadline(SteadyClock::now() + *limit) : std::nullopt;
  std::array<char, kHeader> header{};
  UNFOLD_ASSIGN_OR_RETURN(const std::size_t got,
                          read_up_to(fd, header.data(), header.size(), deadline));
  if (got == 0) return std::optional<PlanFrame>();
  if (got < header.size()) return absl::UnavailableError("the other end is gone");
  std::uint32_t length = 0;
  std::memcpy(&length, header.data(), sizeof length);
  if (length > kMostFrameBytes) {
    return absl::InternalError(absl::StrCat("a frame of ", length, " bytes"));
  }
  PlanFrame frame{.kind = static_cast<PlanFrame::Kind>(header[4]), .body = {}};
  frame.body.resize(length);
  UNFOLD_ASSIGN_OR_RETURN(const std::size_t body,
                          read_up_to(fd, frame.body.data(), frame.body.size(), deadline));
  if (body < frame.body.size()) return absl::UnavailableError("the other end is gone");
  return std::optional<PlanFrame>(std::move(frame));
}

}  // namespace unfold::server
