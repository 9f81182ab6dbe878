#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sstream>

#include "tests/client/service.h"

namespace unfold {
namespace {

using test::eventually;
using test::Ran;
using test::Service;
using testing::HasSubstr;

/// `unfold up` with the real programs, and what becomes of jobs when parts of it die.
class UpTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_programs()) GTEST_SKIP() << "scheduler and worker are not built";
  }
};

pid_t pid_of_worker(const Service& service) {
  return std::stoi(service.workers()[0]["pid"].get<std::string>());
}

// The child of `up` that is no worker.
pid_t pid_of_scheduler(Service& service) {
  const std::string up = std::to_string(service.up().pid());
  std::istringstream children(test::read_text("/proc/" + up + "/task/" + up + "/children"));
  for (pid_t pid = 0; children >> pid;) {
    const std::string name = test::read_text("/proc/" + std::to_string(pid) + "/comm");
    if (name.starts_with("unfold-schedule")) return pid;
  }
  return 0;
}

TEST_F(UpTest, SaysWhereTheDashboardIsAndHowToSubmit) {
  Service service(0);
  EXPECT_THAT(service.up().messages(), HasSubstr("dashboard:  http://127.0.0.1:"));
  EXPECT_THAT(service.up().messages(), HasSubstr("unfold submit extraction --server unix:"));
}

TEST_F(UpTest, AnswersBeforeAnyWorkerIsConnected) {
  Service service(0);
  const Ran ran = service.unfold({"workers", "--output-format", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.json()["workers"].empty());
  EXPECT_EQ(service.unfold({"submit", "probe"}).code, 0);
}

TEST_F(UpTest, DrainsAtTheFirstSignalAndLeavesNothingBehind) {
  Service service(1);
  const pid_t worker = pid_of_worker(service);
  service.up().signal(SIGINT);
  const Ran ran = service.up().finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("draining"));
  EXPECT_NE(kill(worker, 0), 0);
}

TEST_F(UpTest, StopsAtOnceAtTheSecondSignalAndTheJobSurvives) {
  Service service(1, {"--drain-timeout", "10m"});
  const std::string id = service.submit_probe({"--run", "10m"});
  ASSERT_TRUE(service.reaches(id, "RUNNING"));
  service.up().signal(SIGINT);
  ASSERT_TRUE(
      eventually([&] { return service.up().messages().find("draining") != std::string::npos; }));
  service.up().signal(SIGINT);
  EXPECT_EQ(service.up().finish().code, 0);
}

TEST_F(UpTest, AJobWhoseWorkerIsKilledFinishesAfterTheRestart) {
  Service service(1);
  const std::string id = service.submit_probe({"--run", "2s"});
  ASSERT_TRUE(service.reaches(id, "RUNNING"));
  kill(pid_of_worker(service), SIGKILL);
  const Ran ran = service.unfold({"wait", id, "--timeout", "60s"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const auto job = service.job(id);
  EXPECT_EQ(job["attempts"].size(), 2U);
  EXPECT_EQ(job["attempts"][0]["errorClass"], "WORKER_LOST");
}

TEST_F(UpTest, AJobWhoseWorkerFreezesFinishesOnAnother) {
  Service service(2);
  const std::string id = service.submit_probe({"--run", "2s", "--output", "frozen.bin"});
  ASSERT_TRUE(service.reaches(id, "RUNNING"));
  pid_t frozen = 0;
  for (const auto& worker : service.workers()) {
    if (!worker["jobs"].empty()) frozen = std::stoi(worker["pid"].get<std::string>());
  }
  ASSERT_GT(frozen, 0);
  kill(frozen, SIGSTOP);
  const Ran ran = service.unfold({"wait", id, "--timeout", "60s"});
  kill(frozen, SIGCONT);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(service.job(id)["attempts"].size(), 2U);
}

TEST_F(UpTest, AWaitingClientAndARunningJobOutliveTheScheduler) {
  Service service(1);
  const std::string id = service.submit_probe({"--run", "4s"});
  ASSERT_TRUE(service.reaches(id, "RUNNING"));
  const auto waiting = service.start({"wait", id});
  ASSERT_TRUE(eventually([&] { return !waiting->messages().empty(); }));
  const pid_t scheduler = pid_of_scheduler(service);
  ASSERT_GT(scheduler, 0);
  kill(scheduler, SIGKILL);
  const Ran ran = waiting->finish();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(service.job(id)["attempts"].size(), 1U);  // adopted, not repeated
}

TEST_F(UpTest, AFullQueueExitsWith9) {
  setenv("UNFOLD_SCHEDULER__MAX_QUEUED", "1", 1);  // reaches the scheduler through `up`
  Service service(0);
  unsetenv("UNFOLD_SCHEDULER__MAX_QUEUED");
  EXPECT_EQ(service.unfold({"submit", "probe"}).code, 0);
  const Ran second = service.unfold({"submit", "probe"});
  EXPECT_EQ(second.code, 9) << second.err;
}

TEST_F(UpTest, JobsOutliveARestartOfTheWholeService) {
  const test::ScratchFolder state;
  std::string id;
  {
    Service service(0, {"--dir", (state / "kept").string()});
    id = service.submit_probe({});
    service.up().signal(SIGTERM);
    EXPECT_EQ(service.up().finish().code, 0);
  }
  Service service(1, {"--dir", (state / "kept").string()});
  EXPECT_EQ(service.unfold({"wait", id}).code, 0);
}

TEST_F(UpTest, AnExplicitBusyPortIsAConflict) {
  Service first(0);
  const std::string messages = first.up().messages();
  const std::size_t start = messages.find("http://") + 7;
  const std::string address = messages.substr(start, messages.find('/', start) - start);
  const Ran second = first.unfold({"up", "--server", first.server() + "2", "--dir",
                                   (first.data() / "state2").string(), "--http", address});
  EXPECT_EQ(second.code, 10) << second.err;
}

TEST_F(UpTest, AListenAddressWithoutAPortIsAUsageError) {
  Service first(0);
  EXPECT_EQ(first.unfold({"up", "--listen", "127.0.0.1:0"}).code, 2);
}

TEST_F(UpTest, ARootThatIsNoFolderIsBadInput) {
  Service first(0);
  const Ran second = first.unfold({"up", "--server", first.server() + "2", "--dir",
                                   (first.data() / "state2").string(), "--root", "x=/nonexistent"});
  EXPECT_EQ(second.code, 8) << second.err;
}

}  // namespace
}  // namespace unfold
