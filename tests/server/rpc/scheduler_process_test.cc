// The real program: its command line, its lock, its restarts and its death.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/server/rpc/api_fixture.h"

namespace unfold::server {
namespace {

using testing::HasSubstr;

constexpr char kProgram[] = UNFOLD_BIN_DIR "/unfold-scheduler";
constexpr int kReadyFd = 9;

/// A running unfold-scheduler, or one that has ended.
class Process {
 public:
  Process(std::vector<std::string> arguments, const std::string& log) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), kProgram);
    arguments.insert(arguments.end(), {"--ready-fd", std::to_string(kReadyFd)});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    // Not fork(): gRPC's handlers of it do not survive in a process that has used gRPC.
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], kReadyFd);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, kProgram, &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    ready_ = ends[0];
  }
  ~Process() {
    signal(SIGKILL);
    close(ready_);
  }

  /// The line that --ready-fd got; empty when the program ended instead.
  std::string ready_line() {
    std::string line;
    pollfd watched{.fd = ready_, .events = POLLIN, .revents = 0};
    while (poll(&watched, 1, 60'000) > 0) {
      std::array<char, 256> bytes{};
      const ssize_t got = read(ready_, bytes.data(), bytes.size());
      if (got <= 0) return line;
      line.append(bytes.data(), static_cast<std::size_t>(got));
      if (line.back() == '\n') return line;
    }
    return line;
  }
  /// Sends a signal and waits for the end; the exit code, or minus the signal that ended it.
  int signal(int number) {
    if (pid_ <= 0) return 0;
    kill(pid_, number);
    return wait();
  }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int ready_ = -1;
};

class SchedulerProcess : public testing::Test {
 protected:
  SchedulerProcess() { std::filesystem::create_directories(folder_); }
  ~SchedulerProcess() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Process> run(const std::vector<std::string>& more = {},
                               const std::string& state = "state") {
    std::vector<std::string> arguments = {
        "--dir",       (folder_ / state).string(), "--listen", "unix:" + socket_, "--http",
        "127.0.0.1:0", "--enable-probe-engine"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Process>(arguments, log_);
  }
  std::unique_ptr<v1::JobService::Stub> jobs() const {
    return v1::JobService::NewStub(
        grpc::CreateChannel("unix:" + socket_, grpc::InsecureChannelCredentials()));
  }
  std::string output() const {
    std::ifstream in(log_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      ("process-" + std::to_string(getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string socket_ = (folder_ / "api.sock").string();
  const std::string log_ = (folder_ / "log").string();
};

v1::SubmitRequest probe(const std::string& request_id) {
  v1::SubmitRequest request;
  request.mutable_spec()->mutable_probe();
  request.set_request_id(request_id);
  return request;
}

TEST_F(SchedulerProcess, SaysWhenItIsReadyAndStopsCleanlyAtSigterm) {
  const auto scheduler = run();
  EXPECT_THAT(scheduler->ready_line(), HasSubstr("READY unix:" + socket_ + " http://127.0.0.1:"));
  EXPECT_EQ(scheduler->signal(SIGTERM), 0);
  EXPECT_THAT(output(), HasSubstr("\"msg\":\"stopped\""));
}

TEST_F(SchedulerProcess, ASecondOneOnTheSameFolderIsRefused) {
  const auto first = run();
  ASSERT_FALSE(first->ready_line().empty());
  const std::string second_socket = "unix:" + (folder_ / "other.sock").string();
  const auto second = run({"--listen", second_socket});
  EXPECT_EQ(second->ready_line(), "");
  EXPECT_EQ(second->wait(), 2) << "--listen twice is a usage error";
  Process third(
      {"--dir", (folder_ / "state").string(), "--listen", second_socket, "--http", "127.0.0.1:0"},
      log_);
  EXPECT_EQ(third.ready_line(), "");
  EXPECT_EQ(third.wait(), 10);
  EXPECT_THAT(output(), HasSubstr("another scheduler"));
}

TEST_F(SchedulerProcess, ASocketOnWhichAnotherAnswersIsRefusedAndAStaleOneIsNot) {
  auto first = run();
  ASSERT_FALSE(first->ready_line().empty());
  const auto second = run({}, "other-state");
  EXPECT_EQ(second->ready_line(), "");
  EXPECT_EQ(second->wait(), 10);
  EXPECT_EQ(first->signal(SIGKILL), -SIGKILL);
  EXPECT_FALSE(run()->ready_line().empty());
}

TEST_F(SchedulerProcess, RefusesOtherMachinesWithoutInsecure) {
  Process scheduler({"--dir", (folder_ / "state").string(), "--listen", "0.0.0.0:0"}, log_);
  EXPECT_EQ(scheduler.ready_line(), "");
  EXPECT_EQ(scheduler.wait(), 2);
  EXPECT_THAT(output(), HasSubstr("--insecure"));
}

TEST_F(SchedulerProcess, BadSettingsExitWithTheProjectsCodes) {
  EXPECT_EQ(run({"--lease", "soon"})->wait(), 2);
  EXPECT_EQ(run({"--lease", "1s", "--heartbeat", "1s"})->wait(), 2);
  EXPECT_EQ(run({"--no-such-flag"})->wait(), 2);
  EXPECT_EQ(run({"--root", "raw=/no/such/folder"})->wait(), 8);
  EXPECT_EQ(run({"--help"})->wait(), 0);
  EXPECT_THAT(output(), HasSubstr("--adoption"));
}

TEST_F(SchedulerProcess, NoAcknowledgedJobIsLostWhenItIsKilledUnderLoad) {
  std::map<std::string, std::string> acknowledged;  // request id -> job id
  std::mutex mutex;
  for (int round = 0; round < 3; ++round) {
    const auto scheduler = run();
    ASSERT_FALSE(scheduler->ready_line().empty()) << output();
    std::atomic<int> answers = 0;
    const auto client = [&](int index) {
      const auto stub = jobs();
      for (int i = 0;; ++i) {
        const auto request =
            probe(std::to_string(round) + "-" + std::to_string(index) + "-" + std::to_string(i));
        const auto response = call(&v1::JobService::Stub::Submit, *stub, request);
        if (!response.ok()) return;
        ++answers;
        const std::lock_guard lock(mutex);
        acknowledged[request.request_id()] = response->job().id();
      }
    };
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) clients.emplace_back(client, i);
    while (answers < 50) std::this_thread::yield();
    EXPECT_EQ(scheduler->signal(SIGKILL), -SIGKILL);
    for (std::thread& thread : clients) thread.join();
  }
  const auto scheduler = run();
  ASSERT_FALSE(scheduler->ready_line().empty()) << output();
  const auto stub = jobs();
  for (const auto& [request_id, job_id] : acknowledged) {
    const auto again = call(&v1::JobService::Stub::Submit, *stub, probe(request_id));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->job().id(), job_id);
  }
}

TEST_F(SchedulerProcess, PromtoolAcceptsWhatItServes) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool";
  if (std::system("curl --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no curl";
  const auto scheduler = run();
  const std::string ready = scheduler->ready_line();
  ASSERT_FALSE(ready.empty());
  ASSERT_TRUE(call(&v1::JobService::Stub::Submit, *jobs(), probe("r1")).ok());
  const std::string http = ready.substr(ready.rfind(' ') + 1, ready.size() - ready.rfind(' ') - 2);
  const std::string command = "curl -sf " + http + "/metrics | promtool check metrics";
  EXPECT_EQ(std::system(("bash -o pipefail -c '" + command + "'").c_str()), 0);
}

}  // namespace
}  // namespace unfold::server
