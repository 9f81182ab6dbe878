#include "client/cli/exit_codes.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/error.h"

namespace unfold::cli {
namespace {

absl::Status status(absl::StatusCode code, const std::string& field = "") {
  return error({.code = code, .reason = "R", .field = field, .what = "w", .why = "", .remedy = ""});
}

TEST(ExitCodes, EveryCanonicalCodeOfALookupHasItsNumber) {
  using enum absl::StatusCode;
  const std::vector<std::pair<absl::StatusCode, int>> expected = {
      {kOk, 0},          {kNotFound, 3},          {kPermissionDenied, 4}, {kUnauthenticated, 4},
      {kUnavailable, 5}, {kDeadlineExceeded, 5},  {kInvalidArgument, 8},  {kOutOfRange, 8},
      {kAborted, 10},    {kResourceExhausted, 9}, {kAlreadyExists, 10},   {kFailedPrecondition, 10},
      {kInternal, 70},   {kUnimplemented, 70},    {kDataLoss, 70},        {kUnknown, 70},
      {kCancelled, 70},
  };
  for (const auto& [code, number] : expected) {
    EXPECT_EQ(exit_code(absl::Status(code, "x"), CallKind::kLookup), number)
        << absl::StatusCodeToString(code);
  }
}

TEST(ExitCodes, ASubmissionWithAMissingOrUnusableFileIsBadInput) {
  EXPECT_EQ(exit_code(status(absl::StatusCode::kNotFound), CallKind::kSubmit), 8);
  EXPECT_EQ(exit_code(status(absl::StatusCode::kFailedPrecondition), CallKind::kSubmit), 8);
  EXPECT_EQ(exit_code(status(absl::StatusCode::kInvalidArgument), CallKind::kSubmit), 8);
}

TEST(ExitCodes, AFileThatMayNotBeReadIsBadInputButARoleThatIsMissingIsPermission) {
  const auto denied = absl::StatusCode::kPermissionDenied;
  EXPECT_EQ(exit_code(status(denied, "extraction.image"), CallKind::kSubmit), 8);
  EXPECT_EQ(exit_code(status(denied), CallKind::kSubmit), 4);
}

TEST(ExitCodes, AnExistingOutputIsAConflict) {
  EXPECT_EQ(exit_code(status(absl::StatusCode::kAlreadyExists), CallKind::kSubmit), 10);
}

TEST(ExitCodes, FinalStatesHaveTheirNumbers) {
  EXPECT_EQ(exit_code(v1::JOB_STATE_SUCCEEDED), 0);
  EXPECT_EQ(exit_code(v1::JOB_STATE_FAILED), 1);
  EXPECT_EQ(exit_code(v1::JOB_STATE_QUARANTINED), 1);
  EXPECT_EQ(exit_code(v1::JOB_STATE_CANCELLED), 7);
  EXPECT_EQ(exit_code(v1::JOB_STATE_EXPIRED), 7);
}

TEST(ExitCodes, SeveralJobsGiveTheirCommonCode) {
  EXPECT_EQ(exit_code(std::vector{kOk, kOk}), 0);
  EXPECT_EQ(exit_code(std::vector{kCancelled, kCancelled}), 7);
}

TEST(ExitCodes, SomeSuccessAmongSeveralJobsIsPartial) {
  EXPECT_EQ(exit_code(std::vector{kOk, kJobFailed}), 11);
  EXPECT_EQ(exit_code(std::vector{kNotFound, kOk, kOk}), 11);
}

TEST(ExitCodes, DifferentFailuresWithoutSuccessAreFailure) {
  EXPECT_EQ(exit_code(std::vector{kCancelled, kJobFailed}), 1);
}

TEST(ExitCodes, OnlyTerminalStatesAreFinal) {
  EXPECT_FALSE(is_final(v1::JOB_STATE_QUEUED));
  EXPECT_FALSE(is_final(v1::JOB_STATE_PUBLISHING));
  EXPECT_TRUE(is_final(v1::JOB_STATE_SUCCEEDED));
  EXPECT_TRUE(is_final(v1::JOB_STATE_QUARANTINED));
}

}  // namespace
}  // namespace unfold::cli
