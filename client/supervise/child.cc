#include "client/supervise/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace unfold::supervise {
namespace {

constexpr int kExecFailed = 127;

absl::Status not_started(const Program& program, const std::string& why) {
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "CHILD_NOT_STARTED",
                .field = "",
                .what = absl::StrCat(program.name, " cannot be started"),
                .why = why,
                .remedy = ""});
}

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* arguments, int log, int ready_fd, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExecFailed);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  if (ready_fd >= 0) fcntl(ready_fd, F_SETFD, 0);
  execv(arguments[0], arguments);
  _exit(kExecFailed);
}

}  // namespace

absl::StatusOr<pid_t> start_child(const Program& program, int ready_fd) {
  if (access(program.command[0].c_str(), X_OK) != 0) {
    return not_started(program, absl::StrCat(program.command[0], ": ", std::strerror(errno)));
  }
  const int log =
      open(program.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (log < 0)
    return not_started(program, absl::StrCat(program.log_file, ": ", std::strerror(errno)));
  std::vector<char*> arguments;
  for (const std::string& word : program.command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(arguments.data(), log, ready_fd, parent);
  const std::string why = std::strerror(errno);
  close(log);
  if (child < 0) return not_started(program, why);
  return child;
}

std::string describe_wait_status(int status) {
  if (WIFEXITED(status)) return absl::StrCat("exit code ", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return absl::StrCat("signal ", signal, " (", strsignal(signal), ")");
}

std::string last_lines(const std::string& file, int count) {
  std::ifstream in(file);
  std::deque<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
    if (lines.size() > static_cast<std::size_t>(count)) lines.pop_front();
  }
  std::string out;
  for (const std::string& line : lines) absl::StrAppend(&out, "  ", line, "\n");
  return out;
}

}  // namespace unfold::supervise
