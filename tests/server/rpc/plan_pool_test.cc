#include "server/rpc/plan_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "common/base/error.h"
#include "server/rpc/rpcs.h"

namespace unfold::server {
namespace {

using testing::HasSubstr;

using Answer = std::future<absl::StatusOr<plan::Planned>>;

class PlanPoolTest : public testing::Test {
 protected:
  Answer ask(const std::string& image) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<plan::Planned>>>();
    v1::JobSpec spec;
    spec.mutable_extraction()->set_image(image);
    pool_.plan(spec, [promise](absl::StatusOr<plan::Planned> planned) {
      promise->set_value(std::move(planned));
    });
    return promise->get_future();
  }
  absl::StatusOr<plan::Planned> plan(const std::string& image) { return ask(image).get(); }
  void expect_works() {
    const auto planned = plan("good");
    ASSERT_TRUE(planned.ok()) << planned.status();
    EXPECT_EQ(planned->plan.response_key(), "key of good");
  }

  const SystemClock clock_;
  const log::Logger log_{log::Level::kError, log::Format::kJson, clock_};
  const metrics::SchedulerMetrics metrics_{rpc_names()};
  PlanPool pool_{{.command = {PLAN_HELPER_FAKE, "{fd}"},
                  .helpers = 1,
                  .most_helpers = 2,
                  .timeout = std::chrono::seconds(3)},
                 [](const v1::JobSpec& spec) { return plan::Planned{.spec = spec, .plan = {}}; },
                 metrics_,
                 log_,
                 clock_};
};

TEST_F(PlanPoolTest, AnswersWithTheHelpersPlan) { expect_works(); }

TEST_F(PlanPoolTest, AHelpersRefusalArrivesWithReasonAndField) {
  const absl::Status refused = plan("bad").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reason_of(refused), "NOT_FITS");
  EXPECT_EQ(field_of(refused), "extraction.image");
  EXPECT_EQ(refused.message(), "refused (it is bad)");
}

TEST_F(PlanPoolTest, AnInputThatCannotBeReadOrHeldIsItsJobsFaultAndNoOutage) {
  for (const char* image : {"unreadable", "huge"}) {
    const absl::Status refused = plan(image).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << image;
    EXPECT_EQ(field_of(refused), "extraction.image");
  }
}

TEST_F(PlanPoolTest, AFileThatCrashesTheParserIsItsJobsFaultAndNoOutage) {
  const absl::Status crashed = plan("crash").status();
  EXPECT_EQ(crashed.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reason_of(crashed), "INPUT_CRASHED_PARSER");
  EXPECT_THAT(std::string(crashed.message()), HasSubstr("signal 11"));
  expect_works();
  EXPECT_EQ(reason_of(plan("exit").status()), "INPUT_CRASHED_PARSER");
  expect_works();
}

TEST_F(PlanPoolTest, AFileThatStallsTheParserIsGivenUp) {
  EXPECT_EQ(reason_of(plan("stall").status()), "INPUT_STALLED_PARSER");
  expect_works();
}

TEST_F(PlanPoolTest, AHelperHasLittleMemoryNoNetworkAndNoPrograms) {
  EXPECT_EQ(reason_of(plan("bloat").status()), "INPUT_TOO_LARGE");
  EXPECT_THAT(std::string(plan("network").status().message()), HasSubstr("no network"));
  EXPECT_THAT(std::string(plan("shell").status().message()), HasSubstr("no programs"));
  expect_works();
}

TEST_F(PlanPoolTest, ManyRequestsAtOnceAreAllAnswered) {
  std::vector<Answer> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(ask("file" + std::to_string(i)));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].get()->plan.response_key(), "key of file" + std::to_string(i));
  }
}

TEST_F(PlanPoolTest, WhatWaitsOrRunsWhenThePoolStopsIsAnsweredUnavailable) {
  Answer first = ask("stall");
  Answer second = ask("stall");
  Answer third = ask("good");
  pool_.stop();
  EXPECT_EQ(first.get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(third.get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(PlanPoolTest, PlansExposures) {
  std::promise<absl::StatusOr<v1::Exposure>> promise;
  v1::SubmitExposureRequest request;
  request.set_expid(51060);
  pool_.plan_exposure(
      request, [&](const absl::StatusOr<v1::Exposure>& exposure) { promise.set_value(exposure); });
  const auto exposure = promise.get_future().get();
  ASSERT_TRUE(exposure.ok()) << exposure.status();
  EXPECT_EQ(exposure->expid(), 51060);
  EXPECT_EQ(exposure->cameras(0).camera(), "r0");
}

TEST_F(PlanPoolTest, ProbesArePlannedInTheCallersThread) {
  v1::JobSpec spec;
  spec.mutable_probe();
  bool answered = false;
  pool_.plan(spec, [&](const absl::StatusOr<plan::Planned>&) { answered = true; });
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace unfold::server
