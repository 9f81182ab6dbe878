#include "tests/client/service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace unfold::test {
namespace {

namespace fs = std::filesystem;

fs::path program(const std::string& name) { return fs::path(UNFOLD_BIN_DIR) / name; }

int open_for_writing(const fs::path& file) {
  return open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

pid_t spawn(const std::vector<std::string>& command, const fs::path& folder, const fs::path& out,
            const fs::path& err) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int out_fd = open_for_writing(out);
  const int err_fd = open_for_writing(err);
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    if (chdir(folder.c_str()) != 0) _exit(126);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(out_fd);
  close(err_fd);
  return child;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

}  // namespace

bool have_programs() {
  return fs::exists(program("unfold-scheduler")) && fs::exists(program("unfold-worker"));
}

Background::Background(const std::vector<std::string>& command, const ScratchFolder& scratch,
                       const std::string& name)
    : out_(scratch / (name + ".out")), err_(scratch / (name + ".err")) {
  pid_ = spawn(command, scratch / "data", out_, err_);
}

Background::~Background() {
  if (!running()) return;
  signal(SIGKILL);
  waitpid(pid_, &status_, 0);
}

void Background::signal(int number) const { kill(pid_, number); }

bool Background::running() {
  if (pid_ != 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
  return pid_ != 0;
}

Ran Background::finish() {
  if (pid_ != 0) waitpid(pid_, &status_, 0);
  pid_ = 0;
  return {code_of(status_), read_text(out_), read_text(err_)};
}

std::string Background::messages() const { return read_text(err_); }

Service::Service(int workers, const std::vector<std::string>& more_flags) {
  fs::create_directory(data());
  std::vector<std::string> command = {program("unfold").string(),
                                      "up",
                                      "--listen",
                                      server(),
                                      "--http",
                                      "127.0.0.1:0",
                                      "--root",
                                      "data=" + data().string(),
                                      "--workers",
                                      std::to_string(workers),
                                      "--heartbeat",
                                      "200ms",
                                      "--lease",
                                      "1500ms",
                                      "--adoption",
                                      "3s",
                                      "--enable-probe-engine"};
  if (std::find(more_flags.begin(), more_flags.end(), "--dir") == more_flags.end()) {
    command.insert(command.end(), {"--dir", (scratch_ / "state").string()});
  }
  command.insert(command.end(), more_flags.begin(), more_flags.end());
  up_ = std::make_unique<Background>(command, scratch_, "up");
  const bool ready = eventually(
      [&] { return !up_->running() || up_->messages().find("unfold is up") != std::string::npos; });
  EXPECT_TRUE(ready && up_->running()) << up_->messages();
  EXPECT_TRUE(!up_->running() || workers_ready(static_cast<std::size_t>(workers)));
}

Ran Service::unfold(const std::vector<std::string>& arguments) const {
  return start(arguments)->finish();
}

std::unique_ptr<Background> Service::start(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {program("unfold").string(), "--server", server()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return std::make_unique<Background>(command, scratch_, "run-" + std::to_string(runs_++));
}

std::string Service::submit_probe(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {"submit", "probe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Ran ran = unfold(command);
  EXPECT_EQ(ran.code, 0) << ran.err;
  return ran.out.substr(0, ran.out.find('\n'));
}

nlohmann::ordered_json Service::job(const std::string& id) const {
  const Ran ran = unfold({"jobs", "get", id, "--output-format", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  return ran.code == 0 ? ran.json() : nlohmann::ordered_json::object();
}

bool Service::reaches(const std::string& id, const std::string& state) const {
  return eventually([&] { return job(id)["state"] == state; });
}

nlohmann::ordered_json Service::workers() const {
  const Ran ran = unfold({"workers", "--output-format", "json"});
  return ran.code == 0 ? ran.json()["workers"] : nlohmann::ordered_json::array();
}

bool Service::workers_ready(std::size_t count) const {
  return eventually([&] {
    std::size_t ready = 0;
    for (const auto& worker : workers()) ready += worker["state"] == "READY" ? 1 : 0;
    return ready == count;
  });
}

}  // namespace unfold::test
