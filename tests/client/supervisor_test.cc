#include "client/supervise/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "tests/support/eventually.h"

namespace unfold::supervise {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

// Scripts stand for the programs: each notes its pid in a file and waits for SIGTERM. (Not in
// shell: a trap that comes just before a shell begins to wait is only run after the wait.)
constexpr char kScheduler[] = R"(#!/usr/bin/env python3
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
folder, ready = sys.argv[1], int(sys.argv[3])
print(os.getpid(), file=open(folder + "/scheduler.pids", "a"))
if os.path.exists(folder + "/broken"):
    print("no good")
    sys.exit(3)
os.write(ready, b"ready\n")
os.close(ready)
signal.sigwait({signal.SIGTERM})
print("scheduler", file=open(folder + "/stopped", "a"))
)";
constexpr char kWorker[] = R"(#!/usr/bin/env python3
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
folder = sys.argv[1]
print(os.getpid(), file=open(folder + "/worker.pids", "a"))
signal.sigwait({signal.SIGTERM} if not os.path.exists(folder + "/stubborn") else {signal.SIGUSR2})
print("worker", file=open(folder + "/stopped", "a"))
)";

/// A supervisor in a process of its own (it takes over signals), over two scripts.
class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    std::string pattern = testing::TempDir() + "unfold-supervise-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    write_script("scheduler", kScheduler);
    write_script("worker", kWorker);
  }
  ~SupervisorTest() override {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    fs::remove_all(folder_);
  }

  void write_script(const std::string& name, const char* text) const {
    std::ofstream(folder_ / name) << text;
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }

  void start(Duration drain_timeout) {
    process_ = fork();
    if (process_ != 0) return;
    std::ofstream err(folder_ / "messages");
    Fleet fleet;
    fleet.scheduler = program("scheduler");
    fleet.workers = {program("worker")};
    fleet.drain_timeout = drain_timeout;
    const SystemClock clock;
    absl::Status status;
    int exit_code = 0;
    {
      Supervisor supervisor(std::move(fleet), clock, err);
      status = supervisor.run([&](const std::string& line) { err << line << std::flush; });
      exit_code = supervisor.scheduler_exit_code();
    }
    err << status.message() << std::flush;
    _exit(status.ok() ? 0 : 100 + exit_code);
  }

  Program program(const std::string& name) const {
    return {
        name, {(folder_ / name).string(), folder_.string()}, (folder_ / (name + ".log")).string()};
  }

  std::string text(const std::string& name) const {
    std::ifstream in(folder_ / name);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

  std::vector<pid_t> pids(const std::string& name) const {
    std::istringstream in(text(name + ".pids"));
    std::vector<pid_t> out;
    for (pid_t pid = 0; in >> pid;) out.push_back(pid);
    return out;
  }

  int wait_for_exit() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  fs::path folder_;
  pid_t process_ = 0;
};

// Dead, though perhaps not yet waited for by whoever inherited it.
bool is_gone(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string number;
  std::string name;
  std::string state;
  return !(in >> number >> name >> state) || state == "Z";
}

TEST_F(SupervisorTest, StartsWorkersOnceTheSchedulerIsReady) {
  start(10s);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  EXPECT_THAT(text("messages"), HasSubstr("ready\n"));
}

TEST_F(SupervisorTest, StartsADeadWorkerAgain) {
  start(10s);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  kill(pids("worker")[0], SIGKILL);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 2; }));
  EXPECT_THAT(text("messages"),
              HasSubstr("worker ended (signal 9 (Killed)); starting it again in 1 s"));
}

TEST_F(SupervisorTest, StartsADeadSchedulerAgainAndLeavesTheWorkersAlone) {
  start(10s);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  kill(pids("scheduler")[0], SIGKILL);
  ASSERT_TRUE(test::eventually([&] { return pids("scheduler").size() == 2; }));
  EXPECT_EQ(pids("worker").size(), 1U);
}

TEST_F(SupervisorTest, DrainsTheWorkersFirstThenTheScheduler) {
  start(60s);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  kill(process_, SIGINT);
  EXPECT_EQ(wait_for_exit(), 0);
  EXPECT_EQ(text("stopped"), "worker\nscheduler\n");
}

TEST_F(SupervisorTest, KillsWhatHasNotDrainedInTime) {
  std::ofstream(folder_ / "stubborn");
  start(200ms);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  kill(process_, SIGTERM);
  EXPECT_EQ(wait_for_exit(), 0);
  EXPECT_TRUE(test::eventually([&] { return is_gone(pids("worker")[0]); }));
  EXPECT_THAT(text("messages"), HasSubstr("not drained in time"));
}

TEST_F(SupervisorTest, StopsAtOnceAtTheSecondSignal) {
  std::ofstream(folder_ / "stubborn");
  start(1h);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  kill(process_, SIGINT);
  ASSERT_TRUE(
      test::eventually([&] { return text("messages").find("draining") != std::string::npos; }));
  kill(process_, SIGINT);
  EXPECT_EQ(wait_for_exit(), 0);
  EXPECT_TRUE(test::eventually([&] { return is_gone(pids("worker")[0]); }));
}

TEST_F(SupervisorTest, TakesItsChildrenDownWhenItIsKilled) {
  start(10s);
  ASSERT_TRUE(test::eventually([&] { return pids("worker").size() == 1; }));
  kill(process_, SIGKILL);
  EXPECT_EQ(wait_for_exit(), -SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return is_gone(pids("worker")[0]); }));
  EXPECT_TRUE(test::eventually([&] { return is_gone(pids("scheduler")[0]); }));
}

TEST_F(SupervisorTest, ASchedulerThatCannotStartEndsItWithItsLogAndExitCode) {
  std::ofstream(folder_ / "broken");
  start(10s);
  EXPECT_EQ(wait_for_exit(), 103);
  EXPECT_THAT(text("messages"), HasSubstr("  no good\n"));
  EXPECT_THAT(text("messages"), HasSubstr("the scheduler did not start (exit code 3)"));
  EXPECT_TRUE(pids("worker").empty());
}

TEST_F(SupervisorTest, AMissingProgramIsNamed) {
  fs::remove(folder_ / "scheduler");
  start(10s);
  EXPECT_EQ(wait_for_exit(), 100);
  EXPECT_THAT(text("messages"), HasSubstr("scheduler: No such file or directory"));
}

}  // namespace
}  // namespace unfold::supervise
