#include "server/rpc/helper_process.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace unfold::server {
namespace {

constexpr int kChildFd = 3;

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    return absl::StrCat("signal ", WTERMSIG(status), ", ", strsignal(WTERMSIG(status)));
  }
  return absl::StrCat("exit code ", WEXITSTATUS(status));
}

int spawn(pid_t* pid, std::vector<std::string>& command, int child_end) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_end, kChildFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kChildFd + 1);
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int failure = posix_spawn(pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HelperProcess>> HelperProcess::start(
    std::vector<std::string> command) {
  for (std::string& argument : command) {
    if (argument == "{fd}") argument = absl::StrCat(kChildFd);
  }
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return absl::UnavailableError(absl::StrCat("socketpair: ", std::strerror(errno)));
  }
  pid_t pid = -1;
  const int failure = spawn(&pid, command, ends[1]);
  close(ends[1]);
  if (failure != 0) {
    close(ends[0]);
    return absl::UnavailableError(
        absl::StrCat("cannot start ", command.front(), ": ", std::strerror(failure)));
  }
  return std::unique_ptr<HelperProcess>(new HelperProcess(pid, ends[0]));
}

std::string HelperProcess::end() {
  int status = 0;
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  return how_it_ended(status);
}

HelperProcess::~HelperProcess() {
  end();
  close(fd_);
}

}  // namespace unfold::server
