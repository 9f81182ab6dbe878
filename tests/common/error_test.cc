#include "common/base/error.h"

#include <gtest/gtest.h>

namespace unfold {
namespace {

const Problem kProblem = {.reason = "INPUT_NOT_FOUND",
                          .field = "extraction.psf",
                          .what = "cannot read PSF",
                          .why = "no such file",
                          .remedy = "check the path"};

TEST(Error, MessageHasProblemReasonAndRemedy) {
  EXPECT_EQ(error(kProblem).message(), "cannot read PSF (no such file) [check the path]");
}

TEST(Error, CrossesTheWireWhole) {
  const absl::Status sent = error(kProblem);
  const absl::Status got =
      status_from_wire(sent.code(), std::string(sent.message()), error_detail_bytes(sent));
  EXPECT_EQ(got, sent);
  EXPECT_EQ(reason_of(got), "INPUT_NOT_FOUND");
  EXPECT_EQ(field_of(got), "extraction.psf");
}

TEST(Error, WithFieldKeepsEverythingElse) {
  const absl::Status renamed = with_field(error(kProblem), "exposure.psf_dir");
  EXPECT_EQ(field_of(renamed), "exposure.psf_dir");
  EXPECT_EQ(reason_of(renamed), "INPUT_NOT_FOUND");
  EXPECT_EQ(renamed.message(), error(kProblem).message());
}

TEST(Error, AStatusWithoutDetailHasEmptyReason) {
  EXPECT_EQ(reason_of(absl::InternalError("x")), "");
  EXPECT_EQ(error_detail_bytes(absl::InternalError("x")), "");
}

}  // namespace
}  // namespace unfold
