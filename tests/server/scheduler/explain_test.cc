#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/server/scheduler/core_fixture.h"

namespace unfold::server {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class Explain : public CoreFixture {};

TEST_F(Explain, ExplainNamesTheCauseAndTheRemedy) {
  const std::string id = submit(probe_job());
  const std::string behind = submit(probe_job());
  EXPECT_EQ(core->explain(behind, now)->queue_position(), 1);
  EXPECT_THAT(core->explain(id, now)->summary(), HasSubstr("no worker is connected"));
  EXPECT_THAT(core->explain(id, now)->remedy(), HasSubstr("start a worker"));
  v1::Hello other = hello_of("other", "i");
  other.clear_engines();
  other.add_engines("imaging");
  say(1, other);
  EXPECT_THAT(core->explain(id, now)->summary(), HasSubstr("offers its engine"));
  EXPECT_THAT(core->explain(id, now)->details(0), HasSubstr("does not offer probe"));
  connect(2, "w");
  EXPECT_THAT(core->explain(id, now)->summary(), HasSubstr("loading on w"));
  EXPECT_TRUE(absl::IsNotFound(core->explain("none", now).status()));
}

TEST_F(Explain, AResponseThatFitsNoWorkerWaitsForALargerOne) {
  v1::Hello small = hello_of("small", "i");
  small.set_memory_bytes(100);
  say(1, small);
  NewJob big = probe_job();
  big.plan.set_response_key("psf");
  big.plan.set_response_bytes(200);
  const std::string id = submit(big);
  EXPECT_THAT(core->explain(id, now)->summary(),
              HasSubstr("it fits into the memory of no connected worker"));
  v1::Hello large = hello_of("large", "i");
  large.set_memory_bytes(300);
  say(2, large);
  EXPECT_EQ(assigned(2)->job_id(), id);
}

TEST_F(Explain, AResponseThatFitsOnlyADrainedWorkerIsPlacedWhenThatIsUndrained) {
  v1::Hello small = hello_of("small", "i");
  small.set_memory_bytes(100);
  say(1, small);
  connect(2, "large");
  step(DrainWorker{.token = 5, .worker = "large"});
  NewJob big = probe_job();
  big.plan.set_response_key("psf");
  big.plan.set_response_bytes(200);
  const std::string id = submit(big);
  EXPECT_FALSE(assigned(2).has_value());
  step(DrainWorker{.token = 6, .worker = "large", .undrain = true});
  ASSERT_TRUE(assigned(2).has_value());
  EXPECT_EQ(assigned(2)->job_id(), id);
}

TEST_F(Explain, ExplainPredictsWhenAWaitingJobStarts) {
  connect(1, "w");
  std::vector<std::string> jobs;
  for (int i = 0; i < 5; ++i) {
    NewJob job = probe_job();
    job.plan.set_run_seconds(10);
    jobs.push_back(submit(job));
  }
  start(1, assigned(1).value());
  const auto wait_of = [&](const std::string& id) {
    const google::protobuf::Timestamp at = core->explain(id, now)->predicted_start();
    const std::int64_t ns = at.seconds() * 1'000'000'000 + at.nanos() - now.unix_ns;
    return static_cast<double>(ns) * 1e-9;
  };
  // One runs, one is prefetched: the third begins after both.
  EXPECT_NEAR(wait_of(jobs[2]), 20, 1e-3);
  EXPECT_NEAR(wait_of(jobs[4]), 40, 1e-3);
  advance(seconds(4));
  EXPECT_NEAR(wait_of(jobs[2]), 16, 1e-3);
  EXPECT_FALSE(core->explain(jobs[0], now)->has_predicted_start());
}

TEST_F(Explain, NoStartIsPredictedWhereNoWorkerTakesTheJob) {
  const std::string id = submit(probe_job());
  EXPECT_FALSE(core->explain(id, now)->has_predicted_start());
}

}  // namespace
}  // namespace unfold::server
