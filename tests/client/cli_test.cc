#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "tests/client/service.h"

namespace unfold {
namespace {

using test::Background;
using test::eventually;
using test::Ran;
using test::Service;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::StartsWith;

/// The real programs; one service for all tests of the suite.
class CliTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (test::have_programs()) service = std::make_unique<Service>(1);
  }
  static void TearDownTestSuite() { service.reset(); }
  void SetUp() override {
    if (!test::have_programs()) GTEST_SKIP() << "scheduler and worker are not built";
  }
  static Ran unfold(const std::vector<std::string>& arguments) {
    return service->unfold(arguments);
  }

  static std::unique_ptr<Service> service;
};
std::unique_ptr<Service> CliTest::service;

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(CliTest, SubmitPrintsTheIdAlone) {
  const Ran ran = unfold({"submit", "probe"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(lines_of(ran.out), 1U);
  EXPECT_EQ(service->job(ran.out.substr(0, ran.out.size() - 1))["engine"], "probe");
}

TEST_F(CliTest, WaitingForAJobThatSucceedsExitsWith0AndSaysSo) {
  const Ran ran = unfold({"submit", "probe", "--run", "300ms", "--wait"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(lines_of(ran.out), 1U);
  EXPECT_THAT(ran.err, HasSubstr("SUCCEEDED after "));
  EXPECT_THAT(ran.err, testing::Not(HasSubstr("\x1b")));  // no terminal, no cursor movement
}

TEST_F(CliTest, AJobThatFailsExitsWith1) {
  const Ran ran = unfold({"submit", "probe", "--fault", "input-error", "--wait"});
  EXPECT_EQ(ran.code, 1) << ran.err;
  const auto job = service->job(ran.out.substr(0, ran.out.size() - 1));
  EXPECT_EQ(job["state"], "FAILED");
  EXPECT_EQ(job["errorClass"], "INPUT_ERROR");
}

TEST_F(CliTest, UsageErrorsExitWith2) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"no-such"},
        {"submit", "probe", "--run", "soon"},
        {"wait"},
        {"jobs", "--state", "bogus"},
        {"submit", "extraction", "-i", "a", "-p", "b", "-o", "c", "-w", "1,2"}}) {
    const Ran ran = unfold(arguments);
    EXPECT_EQ(ran.code, 2) << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith("unfold: "));
  }
}

TEST_F(CliTest, UnknownJobsWorkersAndResponsesExitWith3) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"jobs", "get", "nope"},
                                                    {"wait", "nope"},
                                                    {"watch", "nope"},
                                                    {"cancel", "nope"},
                                                    {"retry", "nope"},
                                                    {"explain", "nope"},
                                                    {"logs", "nope"},
                                                    {"workers", "drain", "nope"},
                                                    {"responses", "evict", "nope"},
                                                    {"responses", "preload", "nope"}}) {
    const Ran ran = unfold(arguments);
    EXPECT_EQ(ran.code, 3) << arguments[0] << ": " << ran.err;
  }
}

TEST_F(CliTest, WithoutASchedulerTheExitCodeIs5) {
  const Ran ran = unfold({"jobs", "--server", "unix:/nonexistent/s"});
  EXPECT_EQ(ran.code, 5);
  EXPECT_THAT(ran.err, HasSubstr("no scheduler answers at unix:/nonexistent/s"));
}

TEST_F(CliTest, AWaitThatTakesTooLongExitsWith6AndTheJobGoesOn) {
  const std::string id = service->submit_probe({"--run", "10m"});
  const Ran ran = unfold({"wait", id, "--timeout", "100ms"});
  EXPECT_EQ(ran.code, 6);
  EXPECT_THAT(ran.err, HasSubstr("`unfold cancel " + id + "` cancels"));
  EXPECT_THAT(service->job(id)["state"].get<std::string>(),
              testing::AnyOf("QUEUED", "LOADING", "RUNNING"));
  unfold({"cancel", id});
  unfold({"wait", id});
}

TEST_F(CliTest, ACancelledJobEndsSoonAndExitsWith7) {
  const std::string id = service->submit_probe({"--run", "10m"});
  ASSERT_TRUE(service->reaches(id, "RUNNING"));
  EXPECT_EQ(unfold({"cancel", id}).code, 0);
  EXPECT_EQ(unfold({"wait", id, "--timeout", "20s"}).code, 7);
  EXPECT_EQ(service->job(id)["state"], "CANCELLED");
}

TEST_F(CliTest, ValuesAndPathsThatAreWrongExitWith8AndNameTheField) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"-i", "absent.fits", "-p", "psf.fits", "-o", "f.fits"}, "extraction.image"},
      {{"-i", "/etc/passwd", "-p", "psf.fits", "-o", "f.fits"}, "extraction.image"},
      {{"-i", "nowhere:x.fits", "-p", "psf.fits", "-o", "f.fits"}, "extraction.image"},
      {{"-i", ".", "-p", "psf.fits", "-o", "f.fits"}, "extraction.image"},
      {{"-i", "mem://x", "-p", "psf.fits", "-o", "f.fits"}, "extraction.image"},
  };
  for (const auto& [flags, field] : cases) {
    std::vector<std::string> command = {"submit", "extraction"};
    command.insert(command.end(), flags.begin(), flags.end());
    const Ran ran = unfold(command);
    EXPECT_EQ(ran.code, 8) << flags[1] << ": " << ran.err;
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr(field));
  }
}

TEST_F(CliTest, NanIsNoUsageErrorButRefused) {
  const Ran ran = unfold({"submit", "extraction", "-i", "a", "-p", "b", "-o", "c", "-w",
                          "nan,7620,0.8", "--mpi", "--no-gpu"});
  EXPECT_EQ(ran.code, 8) << ran.err;
  EXPECT_THAT(ran.err, StartsWith("unfold: warning: without effect here: --mpi, --no-gpu\n"));
}

TEST_F(CliTest, TheSameRequestIdGivesTheSameJobAndAnotherBodyIsAConflict) {
  const std::vector<std::string> first = {"submit", "probe", "--run", "1ms", "--request-id", "r-1"};
  const Ran once = unfold(first);
  const Ran again = unfold(first);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(once.out, again.out);
  EXPECT_EQ(unfold({"submit", "probe", "--run", "2ms", "--request-id", "r-1"}).code, 10);
}

TEST_F(CliTest, AnExistingOutputIsKeptUnlessOverwritten) {
  const std::vector<std::string> command = {"submit", "probe",  "--output",
                                            "o.bin",  "--wait", "--output-size=1000"};
  const Ran ran = unfold(command);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(std::filesystem::file_size(service->data() / "o.bin"), 1000U);
  EXPECT_EQ(unfold(command).code, 8);
  std::vector<std::string> replacing = command;
  replacing.back() = "--output-size=2000";
  replacing.emplace_back("--overwrite");
  const Ran replaced = unfold(replacing);
  EXPECT_EQ(replaced.code, 0) << replaced.err;
  EXPECT_EQ(std::filesystem::file_size(service->data() / "o.bin"), 2000U);
}

TEST_F(CliTest, WaitingForSuccessAndFailureExitsWith11) {
  const std::string good = service->submit_probe({});
  const std::string bad = service->submit_probe({"--fault", "input-error"});
  const Ran ran = unfold({"wait", good, bad, "--output-format", "json"});
  EXPECT_EQ(ran.code, 11) << ran.err;
  EXPECT_EQ(ran.json()["jobs"].size(), 2U);
}

TEST_F(CliTest, InterruptedWaitingExitsWith130AndSaysHowToCancel) {
  const std::string id = service->submit_probe({"--run", "10m"});
  const std::unique_ptr<Background> waiting = service->start({"wait", id});
  ASSERT_TRUE(eventually([&] { return !waiting->messages().empty(); }));
  waiting->signal(SIGINT);
  const Ran ran = waiting->finish();
  EXPECT_EQ(ran.code, 130);
  EXPECT_THAT(ran.err, HasSubstr("interrupted: the job goes on"));
  EXPECT_THAT(ran.err, HasSubstr("`unfold cancel " + id + "` cancels"));
  EXPECT_NE(service->job(id)["state"], "CANCELLED");
  unfold({"cancel", id});
  unfold({"wait", id});
}

TEST_F(CliTest, ADryRunShowsThePlanAndStoresNothing) {
  const Ran ran = unfold({"submit", "probe", "--dry-run", "--label", "dry=yes"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("Valid; nothing was submitted.\n"));
  const Ran listed = unfold({"jobs", "--filter", "labels.dry=yes", "--output-format", "json"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_TRUE(listed.json()["jobs"].empty());
}

TEST_F(CliTest, ListsInEveryFormat) {
  const std::string id = service->submit_probe({"--label", "list=yes"});
  ASSERT_EQ(unfold({"wait", id}).code, 0);
  const std::vector<std::string> command = {"jobs", "--filter", "labels.list=yes"};
  const auto as = [&](const std::string& format) {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--output-format", format});
    return unfold(words).out;
  };
  EXPECT_THAT(as("table"), ContainsRegex("ID +ENGINE .*\n" + id + " +probe .*SUCCEEDED"));
  EXPECT_THAT(as("csv"), StartsWith("id,engine,exposure,camera,state,done,priority,age,worker,"
                                    "message\n" +
                                    id + ",probe,,,SUCCEEDED,"));
  const auto json = nlohmann::json::parse(as("json"));
  ASSERT_EQ(json["jobs"].size(), 1U);
  EXPECT_EQ(json["jobs"][0]["state"], "SUCCEEDED");
  EXPECT_EQ(json["jobs"][0]["spec"]["labels"]["list"], "yes");
  EXPECT_EQ(nlohmann::json::parse(as("jsonl")), json["jobs"][0]);
}

TEST_F(CliTest, WatchWritesEachChangeAsALineOfJson) {
  const std::string id = service->submit_probe({"--run", "300ms"});
  const Ran ran = unfold({"watch", id, "--output-format", "jsonl"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  std::istringstream lines(ran.out);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    const auto job = nlohmann::json::parse(line);
    EXPECT_EQ(job["id"], id);
    last = job["state"];
  }
  EXPECT_EQ(last, "SUCCEEDED");
}

TEST_F(CliTest, LogsTellAJobsStory) {
  const std::string id = service->submit_probe({});
  ASSERT_EQ(unfold({"wait", id}).code, 0);
  const Ran ran = unfold({"logs", id});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_GE(lines_of(ran.out), 3U) << ran.out;
}

TEST_F(CliTest, AFailedJobIsRetriedUnderItsOwnId) {
  const std::string id = service->submit_probe({"--fault", "input-error", "--fault-attempts", "1"});
  EXPECT_EQ(unfold({"wait", id}).code, 1);
  EXPECT_EQ(unfold({"retry", id}).code, 0);
  EXPECT_EQ(unfold({"wait", id}).code, 0);
  EXPECT_EQ(service->job(id)["attempts"].size(), 2U);
}

TEST_F(CliTest, RetryOfAJobThatSucceededIsAConflict) {
  const std::string id = service->submit_probe({});
  ASSERT_EQ(unfold({"wait", id}).code, 0);
  EXPECT_EQ(unfold({"retry", id}).code, 10);
}

TEST_F(CliTest, ADrainedWorkerTakesNothingAndExplainSaysSo) {
  const std::string name = service->workers()[0]["name"];
  const Ran drained = unfold({"workers", "drain", name, "--output-format", "json"});
  EXPECT_EQ(drained.code, 0) << drained.err;
  EXPECT_EQ(drained.json()["state"], "DRAINING");
  const std::string id = service->submit_probe({});
  const Ran why = unfold({"explain", id, "--output-format", "json"});
  EXPECT_EQ(why.code, 0) << why.err;
  EXPECT_THAT(why.out, HasSubstr(name));
  EXPECT_EQ(service->job(id)["state"], "QUEUED");
  EXPECT_EQ(unfold({"workers", "drain", name, "--undo"}).code, 0);
  EXPECT_EQ(unfold({"wait", id}).code, 0);
}

TEST_F(CliTest, AResponseIsListedWhileResidentAndGoneOnceEvicted) {
  const std::string id =
      service->submit_probe({"--response", "k-1", "--response-size", "1MiB", "--load", "10ms"});
  ASSERT_EQ(unfold({"wait", id}).code, 0);
  std::string key;
  const auto listed = [&] {
    const auto responses = unfold({"responses", "--output-format", "json"}).json()["responses"];
    for (const auto& response : responses) {
      key = response["key"];
      if (key.find("k-1") != std::string::npos) return true;
    }
    return false;
  };
  ASSERT_TRUE(eventually(listed));
  EXPECT_EQ(unfold({"responses", "evict", key}).code, 0);
  EXPECT_TRUE(eventually([&] { return !listed(); }));
  EXPECT_EQ(unfold({"responses", "preload", id}).code, 0);
  EXPECT_TRUE(eventually(listed));
}

TEST_F(CliTest, DoctorFindsARunningServiceWell) {
  const Ran ran = unfold({"doctor", "--output-format", "json"});
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_EQ(ran.json()["checks"][0]["check"], "scheduler");
  EXPECT_EQ(ran.json()["checks"][0]["result"], "ok");
}

TEST_F(CliTest, AnExposureWithoutFilesIsRefused) {
  const Ran ran = unfold({"submit", "exposure", "--night", "20261120", "--expid", "1",
                          "--input-dir", ".", "--output-dir", ".", "--cameras", "b0"});
  EXPECT_EQ(ran.code, 8) << ran.out << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("b0"));
}

}  // namespace
}  // namespace unfold
