// The program itself: how it refuses, drains and follows its parent.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace unfold {
namespace {

/// unfold-worker as a child process whose messages the test reads.
class Worker {
 public:
  explicit Worker(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), std::string(UNFOLD_BIN_DIR) + "/unfold-worker");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2] = {};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    out_ = ends[0];
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
  }
  ~Worker() { ::close(out_); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Reads messages until one holds `text`; false at their end.
  bool says(const std::string& text) {
    while (said_.find(text) == std::string::npos) {
      if (!read_more()) return false;
    }
    return true;
  }
  /// True when the messages end, which they do with the process.
  bool ends() {
    while (read_more()) continue;
    return true;
  }
  void signal(int number) const { ::kill(pid_, number); }
  int exit_code() {
    ends();
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  bool read_more() {
    char block[4096];
    const ssize_t n = ::read(out_, block, sizeof block);
    if (n > 0) said_.append(block, static_cast<std::size_t>(n));
    return n > 0;
  }

  int out_ = -1;
  pid_t pid_ = -1;
  std::string said_;
};

int exit_code_of(const std::vector<std::string>& arguments) {
  return Worker(arguments).exit_code();
}

TEST(WorkerProgram, RefusesWhatItCannotParse) {
  EXPECT_EQ(exit_code_of({"--no-such-option"}), 2);
  EXPECT_EQ(exit_code_of({}), 2);  // no scheduler
  EXPECT_EQ(exit_code_of({"--scheduler", "unix:s", "--device", "abacus"}), 2);
  EXPECT_EQ(exit_code_of({"--scheduler", "unix:s", "--memory", "4G"}), 2);
  EXPECT_EQ(exit_code_of({"--scheduler", "unix:s", "--product-mode", "rw-r--r--"}), 2);
  EXPECT_EQ(exit_code_of({"--scheduler", "unix:s", "--drain-timeout", "soon"}), 2);
}

TEST(WorkerProgram, RefusesARootThatIsNotThere) {
  const test::ScratchFolder folder;
  EXPECT_EQ(exit_code_of({"--scheduler", "unix:s", "--device", "cpu", "--root",
                          "data=" + (folder / "absent").string()}),
            8);
}

/// Whatever this machine has, the programs started here find no CUDA module.
class WithoutGpu : public ::testing::Test {
 protected:
  WithoutGpu() { ::setenv("UNFOLD_CUDA_MODULE", "/nowhere/libunfold_cuda.so", 1); }
  ~WithoutGpu() override { ::unsetenv("UNFOLD_CUDA_MODULE"); }
};

TEST_F(WithoutGpu, RefusesADeviceThatIsNotHere) {
  Worker worker({"--scheduler", "unix:s", "--device", "cuda"});
  EXPECT_TRUE(worker.says("cannot use the device"));
  EXPECT_EQ(worker.exit_code(), 8);
}

TEST_F(WithoutGpu, AutoMeansTheCpuAndOneLine) {
  const test::ScratchFolder folder;
  Worker worker({"--scheduler", "unix:" + (folder / "s").string()});
  EXPECT_TRUE(worker.says("computing on the CPU"));
  EXPECT_TRUE(worker.says("worker begins"));
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.exit_code(), 0);
}

TEST(WorkerProgram, AnIdleWorkerLeavesAtTheFirstSignalThoughNobodyListens) {
  const test::ScratchFolder folder;
  for (const int number : {SIGTERM, SIGINT}) {
    Worker worker({"--scheduler", "unix:" + (folder / "s").string(), "--device", "cpu"});
    EXPECT_TRUE(worker.says("worker begins"));
    worker.signal(number);
    EXPECT_EQ(worker.exit_code(), 0);
  }
}

TEST(WorkerProgram, EndsWithItsParentWhenToldTo) {
  const test::ScratchFolder folder;
  int begun[2] = {};
  int gone[2] = {};
  ASSERT_EQ(::pipe(begun), 0);
  ASSERT_EQ(::pipe(gone), 0);  // held by the worker too: it ends when both have
  const pid_t parent = ::fork();
  if (parent == 0) {
    Worker worker({"--scheduler", "unix:" + (folder / "s").string(), "--device", "cpu",
                   "--exit-with-parent"});
    const bool up = worker.says("worker begins");
    ::_exit(::write(begun[1], up ? "1" : "0", 1) == 1 ? 0 : 1);
  }
  ::close(gone[1]);
  char up = '0';
  ASSERT_EQ(::read(begun[0], &up, 1), 1);
  EXPECT_EQ(up, '1');
  EXPECT_EQ(::waitpid(parent, nullptr, 0), parent);
  EXPECT_EQ(::read(gone[0], &up, 1), 0);  // returns only when the worker is gone
  for (const int fd : {begun[0], begun[1], gone[0]}) ::close(fd);
}

}  // namespace
}  // namespace unfold
