#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <fstream>
#include <future>
#include <set>

#include "tests/server/rpc/api_fixture.h"

namespace unfold::server {
namespace {

using JobService = ApiTest;
using testing::HasSubstr;

TEST_F(JobService, ASubmittedJobIsQueuedAndListed) {
  const auto job = submit(probe());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job->engine(), "probe");
  const auto listed = call(&v1::JobService::Stub::List, *jobs_, v1::ListJobsRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->jobs_size(), 1);
  EXPECT_EQ(listed->jobs(0).id(), job->id());
}

TEST_F(JobService, TheSameRequestIdGivesTheSameJobAndAnotherBodyIsRefused) {
  const auto first = submit(probe("r1"));
  const auto again = submit(probe("r1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), first->id());
  v1::SubmitRequest other = probe("r1");
  other.mutable_spec()->set_priority(5);
  EXPECT_EQ(submit(other).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(JobService, ARepeatIsAnsweredEvenWhereItsOwnProductIsInTheWay) {
  v1::SubmitRequest request = probe("r1");
  request.mutable_spec()->mutable_probe()->set_output("out:file");
  const auto first = submit(request);
  ASSERT_TRUE(first.ok()) << first.status();
  std::ofstream(folder_ / "out/file") << "the product";
  const auto again = submit(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), first->id());
  request.set_request_id("r2");
  EXPECT_EQ(reason_of(submit(request).status()), "OUTPUT_EXISTS");
}

TEST_F(JobService, ValidateOnlyAnswersWithThePlanAndStoresNothing) {
  v1::SubmitRequest request = probe();
  request.set_validate_only(true);
  request.mutable_spec()->mutable_probe()->set_response("psf");
  const auto shown = submit(request);
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_EQ(shown->plan().response_key(), "psf");
  EXPECT_EQ(shown->id(), "");
  EXPECT_EQ(call(&v1::JobService::Stub::List, *jobs_, v1::ListJobsRequest())->jobs_size(), 0);
}

TEST_F(JobService, ErrorsCarryReasonAndFieldInTheTrailer) {
  v1::SubmitRequest request = probe();
  request.mutable_spec()->set_priority(5000);
  const absl::Status refused = submit(request).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(field_of(refused), "priority");
  EXPECT_EQ(reason_of(refused), "OUT_OF_RANGE");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("["));
  EXPECT_EQ(get("no-such-job").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(JobService, BadFilesAreRefusedByTheHelperWithTheFieldNamed) {
  std::ofstream(folder_ / "out/image.fits") << "not FITS at all";
  v1::SubmitRequest request;
  v1::ExtractionSpec& spec = *request.mutable_spec()->mutable_extraction();
  spec.set_image("out:image.fits");
  spec.set_psf("out:absent.fits");
  spec.set_output("out:frame.fits");
  const absl::Status refused = submit(request).status();
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(field_of(refused), HasSubstr("extraction."));
}

TEST_F(JobService, EachOfABatchIsAnsweredByItselfInOrder) {
  v1::BatchSubmitRequest batch;
  *batch.add_requests() = probe("b1");
  *batch.add_requests() = v1::SubmitRequest();
  *batch.add_requests() = probe("b3");
  const auto response = call(&v1::JobService::Stub::BatchSubmit, *jobs_, batch);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->results_size(), 3);
  EXPECT_EQ(response->results(0).job().request_id(), "b1");
  EXPECT_EQ(response->results(1).code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(response->results(1).error().field(), "engine");
  EXPECT_EQ(response->results(2).job().request_id(), "b3");
}

TEST_F(JobService, ARepeatedBatchGetsItsFirstAnswersThoughItsProductsAreInTheWay) {
  v1::BatchSubmitRequest batch;
  *batch.add_requests() = probe("b1");
  batch.mutable_requests(0)->mutable_spec()->mutable_probe()->set_output("out:product");
  const auto first = call(&v1::JobService::Stub::BatchSubmit, *jobs_, batch);
  ASSERT_TRUE(first.ok()) << first.status();
  std::ofstream(folder_ / "out" / "product") << "published";
  const auto again = call(&v1::JobService::Stub::BatchSubmit, *jobs_, batch);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).job().id(), first->results(0).job().id());
  batch.mutable_requests(0)->set_request_id("b2");
  EXPECT_EQ(call(&v1::JobService::Stub::BatchSubmit, *jobs_, batch)->results(0).code(),
            static_cast<int>(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JobService, ARepeatedSubmissionGetsItsFirstAnswerThoughItsDeadlineHasPassed) {
  v1::SubmitRequest request = probe("r1");
  auto& deadline = *request.mutable_spec()->mutable_deadline();
  deadline.set_seconds(clock_.now().unix_ns / 1'000'000'000 + 2);
  const auto job = submit(request);
  ASSERT_TRUE(job.ok()) << job.status();
  v1::WaitRequest wait;
  wait.set_id(job->id());
  EXPECT_EQ(call(&v1::JobService::Stub::Wait, *jobs_, wait)->state(), v1::JOB_STATE_EXPIRED);
  const auto again = submit(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), job->id());
}

TEST_F(JobService, PagesShowEveryJobOnceNewestFirst) {
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(submit(probe()).ok());
  v1::ListJobsRequest request;
  request.set_page_size(10);
  std::vector<std::string> ids;
  int pages = 0;
  do {
    const auto page = call(&v1::JobService::Stub::List, *jobs_, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Job& job : page->jobs()) ids.push_back(job.id());
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 25U);
}

TEST_F(JobService, AQueuedJobIsCancelledAtOnceAndThatIsFinal) {
  const auto job = submit(probe());
  EXPECT_EQ(cancel(job->id())->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(cancel(job->id())->state(), v1::JOB_STATE_CANCELLED);
  v1::RetryRequest retry;
  retry.set_id(job->id());
  EXPECT_EQ(call(&v1::JobService::Stub::Retry, *jobs_, retry)->state(), v1::JOB_STATE_QUEUED);
}

TEST_F(JobService, AWorkerIsGivenTheJobAndItsOutcomeIsRecorded) {
  FakeWorker worker(*workers_, "w0");
  const auto job = submit(probe());
  const v1::Assign assign = worker.next_assign();
  EXPECT_EQ(assign.job_id(), job->id());
  worker.start(assign);
  worker.finish(assign);
  v1::WaitRequest wait;
  wait.set_id(job->id());
  const auto ended = call(&v1::JobService::Stub::Wait, *jobs_, wait);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ended->attempts(0).worker(), "w0");
}

TEST_F(JobService, WaitAnswersWithThePresentStateAfterItsTimeout) {
  const auto job = submit(probe());
  v1::WaitRequest wait;
  wait.set_id(job->id());
  wait.mutable_timeout()->set_nanos(50'000'000);
  EXPECT_EQ(call(&v1::JobService::Stub::Wait, *jobs_, wait)->state(), v1::JOB_STATE_QUEUED);
  wait.set_id("no-such-job");
  EXPECT_EQ(call(&v1::JobService::Stub::Wait, *jobs_, wait).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(JobService, AWaitOfCenturiesStillWaits) {
  const auto job = submit(probe());
  auto waiter = std::async(std::launch::async, [&] {
    v1::WaitRequest wait;
    wait.set_id(job->id());
    wait.mutable_timeout()->set_seconds(10'000'000'000);
    return call(&v1::JobService::Stub::Wait, *jobs_, wait);
  });
  v1::WaitRequest shorter;
  shorter.set_id(job->id());
  shorter.mutable_timeout()->set_nanos(200'000'000);
  EXPECT_EQ(call(&v1::JobService::Stub::Wait, *jobs_, shorter)->state(), v1::JOB_STATE_QUEUED);
  ASSERT_TRUE(cancel(job->id()).ok());
  EXPECT_EQ(waiter.get()->state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(JobService, EveryWaiterIsAnsweredWhenTheJobEnds) {
  const auto job = submit(probe());
  std::vector<std::future<absl::StatusOr<v1::Job>>> waiters;
  for (int i = 0; i < 20; ++i) {
    waiters.push_back(std::async(std::launch::async, [&] {
      v1::WaitRequest wait;
      wait.set_id(job->id());
      return call(&v1::JobService::Stub::Wait, *jobs_, wait);
    }));
  }
  ASSERT_TRUE(cancel(job->id()).ok());
  for (auto& waiter : waiters) EXPECT_EQ(waiter.get()->state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(JobService, ARestartKeepsJobsAndRequestIds) {
  const auto job = submit(probe("r1"));
  restart();
  EXPECT_EQ(get(job->id())->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(submit(probe("r1"))->id(), job->id());
}

TEST_F(JobService, ExplainAndLogsSayWhyAJobWaits) {
  const auto job = submit(probe());
  v1::ExplainRequest explain;
  explain.set_id(job->id());
  const auto why = call(&v1::JobService::Stub::Explain, *jobs_, explain);
  ASSERT_TRUE(why.ok()) << why.status();
  EXPECT_THAT(why->summary(), HasSubstr("worker"));
  v1::LogsRequest logs;
  logs.set_id(job->id());
  const auto lines = call(&v1::JobService::Stub::Logs, *jobs_, logs);
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_GE(lines->lines_size(), 1);
}

}  // namespace
}  // namespace unfold::server
