#include "server/rpc/job_requests.h"

#include <gtest/gtest.h>

#include "common/base/error.h"

namespace unfold::server {
namespace {

constexpr Time kNow{.monotonic = std::chrono::seconds(5), .unix_ns = 1'000'000'000'000};

v1::JobSpec probe() {
  v1::JobSpec spec;
  spec.mutable_probe();
  return spec;
}

std::string field_at_fault(const v1::JobSpec& spec) {
  return field_of(check_job(spec, true, kNow));
}

TEST(CheckJob, AcceptsAPlainJob) { EXPECT_TRUE(check_job(probe(), true, kNow).ok()); }

TEST(CheckJob, NeedsAnEngineAndProbesNeedTheFlag) {
  EXPECT_EQ(field_at_fault(v1::JobSpec()), "engine");
  EXPECT_EQ(reason_of(check_job(probe(), false, kNow)), "PROBE_DISABLED");
}

TEST(CheckJob, NamesTheFieldThatIsOutOfRange) {
  v1::JobSpec spec = probe();
  spec.set_priority(1001);
  EXPECT_EQ(field_at_fault(spec), "priority");
  spec = probe();
  spec.set_max_attempts(-1);
  EXPECT_EQ(field_at_fault(spec), "max_attempts");
  spec = probe();
  spec.mutable_deadline()->set_seconds(999);
  EXPECT_EQ(field_at_fault(spec), "deadline");
  spec = probe();
  spec.mutable_run_timeout();
  EXPECT_EQ(field_at_fault(spec), "run_timeout");
}

TEST(CheckJob, LimitsLabels) {
  v1::JobSpec spec = probe();
  (*spec.mutable_labels())["Tile"] = "upper case";
  EXPECT_EQ(field_at_fault(spec), "labels");
  spec = probe();
  for (int i = 0; i < 17; ++i) (*spec.mutable_labels())["k" + std::to_string(i)] = "v";
  EXPECT_EQ(field_at_fault(spec), "labels");
}

TEST(RequestDigest, IsOfTheBodyAlone) {
  v1::SubmitRequest request;
  *request.mutable_spec() = probe();
  (*request.mutable_spec()->mutable_labels())["a"] = "1";
  (*request.mutable_spec()->mutable_labels())["b"] = "2";
  v1::SubmitRequest same;
  *same.mutable_spec() = probe();
  (*same.mutable_spec()->mutable_labels())["b"] = "2";
  (*same.mutable_spec()->mutable_labels())["a"] = "1";
  same.set_request_id("another id");
  same.set_validate_only(true);
  EXPECT_EQ(request_digest(request), request_digest(same));
  same.mutable_spec()->set_priority(1);
  EXPECT_NE(request_digest(request), request_digest(same));
}

TEST(RequestDigest, TellsACancelFromARetryOfTheSameJob) {
  v1::CancelRequest cancel;
  cancel.set_id("j");
  v1::RetryRequest retry;
  retry.set_id("j");
  EXPECT_NE(request_digest(cancel), request_digest(retry));
}

TEST(CheckJob, RefusesTimesFartherThanAClockCounts) {
  constexpr std::int64_t kYear10000 = 253'402'300'799;
  v1::JobSpec spec = probe();
  spec.mutable_deadline()->set_seconds(kYear10000);
  EXPECT_EQ(field_at_fault(spec), "deadline");
  EXPECT_EQ(reason_of(check_job(spec, true, kNow)), "OUT_OF_RANGE");
  EXPECT_EQ(std::string(check_job(spec, true, kNow).message()).find("passed"), std::string::npos);
  spec.mutable_deadline()->set_seconds(-kYear10000);
  EXPECT_EQ(field_at_fault(spec), "deadline");
  spec = probe();
  spec.mutable_run_timeout()->set_seconds(315'576'000'000);
  EXPECT_EQ(field_at_fault(spec), "run_timeout");
}

TEST(CheckRequestId, RefusesWhatCouldNotBePrinted) {
  EXPECT_TRUE(check_request_id("").ok());
  EXPECT_TRUE(check_request_id("3f2c").ok());
  EXPECT_FALSE(check_request_id("a b").ok());
  EXPECT_FALSE(check_request_id("a\n").ok());
  EXPECT_FALSE(check_request_id(std::string(129, 'x')).ok());
}

}  // namespace
}  // namespace unfold::server
