#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/server/rpc/api_fixture.h"

namespace unfold::server {
namespace {

class Watch : public ApiTest {
 protected:
  struct Stream {
    std::unique_ptr<grpc::ClientContext> context = bounded();
    std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> reader;
    ~Stream() { context->TryCancel(); }

    v1::WatchEvent next() {
      v1::WatchEvent event;
      EXPECT_TRUE(reader->Read(&event)) << "the stream ended";
      return event;
    }
  };
  std::unique_ptr<Stream> watch(std::int64_t from, const std::string& job_id = "") {
    auto stream = std::make_unique<Stream>();
    v1::WatchRequest request;
    request.set_from_revision(from);
    request.set_job_id(job_id);
    stream->reader = jobs_->Watch(stream->context.get(), request);
    return stream;
  }
};

TEST_F(Watch, FromARevisionShowsWhatTheStoreHasAndThenWhatHappens) {
  const auto first = submit(probe());
  const auto second = submit(probe());
  const auto third = submit(probe());
  const auto stream = watch(first->revision());
  EXPECT_EQ(stream->next().job().id(), second->id());
  EXPECT_EQ(stream->next().job().id(), third->id());
  ASSERT_TRUE(cancel(first->id()).ok());
  const v1::WatchEvent event = stream->next();
  EXPECT_EQ(event.job().id(), first->id());
  EXPECT_EQ(event.job().state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(Watch, RevisionsIncreaseAndNoFinalStateIsMissed) {
  const auto start = submit(probe());
  const auto stream = watch(start->revision());
  constexpr std::size_t kJobs = 300;
  std::set<std::string> cancelled;
  for (std::size_t i = 0; i < kJobs; ++i) {
    const auto job = submit(probe());
    ASSERT_TRUE(cancel(job->id()).ok());
    cancelled.insert(job->id());
  }
  std::int64_t last = start->revision();
  std::set<std::string> seen;
  while (seen.size() < kJobs) {
    const v1::WatchEvent event = stream->next();
    ASSERT_GT(event.revision(), last);
    last = event.revision();
    if (event.job().state() == v1::JOB_STATE_CANCELLED) seen.insert(event.job().id());
  }
  EXPECT_EQ(seen, cancelled);
}

TEST_F(Watch, OfOneJobBeginsWithASnapshot) {
  const auto job = submit(probe());
  ASSERT_TRUE(submit(probe()).ok());
  const auto stream = watch(0, job->id());
  const v1::WatchEvent snapshot = stream->next();
  EXPECT_EQ(snapshot.job().id(), job->id());
  EXPECT_EQ(snapshot.job().state(), v1::JOB_STATE_QUEUED);
  ASSERT_TRUE(cancel(job->id()).ok());
  EXPECT_EQ(stream->next().job().state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(Watch, OfARevisionThatIsNotKnownSaysToListAgain) {
  const auto stream = watch(1'000'000);
  v1::WatchEvent event;
  EXPECT_FALSE(stream->reader->Read(&event));
  const absl::Status status = status_of(stream->reader->Finish(), *stream->context);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(reason_of(status), "REVISION_COMPACTED");
}

TEST_F(Watch, OfAJobThatDoesNotExistIsRefused) {
  const auto stream = watch(0, "no-such-job");
  v1::WatchEvent event;
  EXPECT_FALSE(stream->reader->Read(&event));
  EXPECT_EQ(stream->reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Watch, AWatcherThatNeverReadsHoldsUpNobody) {
  const auto idle = watch(0);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(submit(probe()).ok());
  const auto reading = watch(1);
  EXPECT_GT(reading->next().revision(), 1);
}

TEST_F(Watch, ManyWatchersComeAndGo) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<Stream>> streams;
    for (int i = 0; i < 10; ++i) streams.push_back(watch(0));
    ASSERT_TRUE(submit(probe()).ok());
  }
  EXPECT_TRUE(submit(probe()).ok());
}

}  // namespace
}  // namespace unfold::server
