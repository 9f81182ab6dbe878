#include "workers/engines/failure.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "common/base/error.h"
#include "workers/compute/device.h"

namespace unfold::engine {
namespace {

absl::Status with_reason(absl::StatusCode code, const std::string& reason) {
  return error({.code = code, .reason = reason, .field = "", .what = "x", .why = "", .remedy = ""});
}

TEST(Guarded, PassesWhatTheStageReturns) {
  EXPECT_EQ(guarded([]() -> absl::StatusOr<int> { return 3; }).value(), 3);
  EXPECT_TRUE(absl::IsNotFound(guarded([] { return absl::NotFoundError("x"); })));
}

TEST(Guarded, MakesAStatusOfEveryException) {
  const auto thrown = [](auto exception) {
    return guarded([&]() -> absl::Status { throw exception; });
  };
  EXPECT_EQ(reason_of(thrown(std::bad_alloc())), "OUT_OF_MEMORY");
  EXPECT_EQ(reason_of(thrown(compute::OutOfMemory("device"))), "OUT_OF_MEMORY");
  EXPECT_EQ(reason_of(thrown(compute::DeviceError("device"))), "DEVICE_FAILED");
  EXPECT_EQ(reason_of(thrown(std::runtime_error("x"))), "ENGINE_FAILED");
  EXPECT_EQ(reason_of(thrown(7)), "ENGINE_FAILED");
}

TEST(Classify, AFailingDeviceIsItsOwnClass) {
  const absl::Status failed = with_reason(absl::StatusCode::kInternal, "DEVICE_FAILED");
  for (const Phase phase : {Phase::kRead, Phase::kCompute, Phase::kWrite}) {
    EXPECT_EQ(classify(failed, phase), v1::ERROR_CLASS_DEVICE_ERROR);
  }
}

TEST(Classify, WhatTheUserGaveIsAnInputError) {
  for (const absl::Status& status :
       {absl::InvalidArgumentError("x"), absl::NotFoundError("x"),
        absl::FailedPreconditionError("x"), absl::PermissionDeniedError("x"),
        absl::DataLossError("x"), absl::OutOfRangeError("x")}) {
    EXPECT_EQ(classify(status, Phase::kRead), v1::ERROR_CLASS_INPUT_ERROR);
    EXPECT_EQ(classify(status, Phase::kCompute), v1::ERROR_CLASS_INPUT_ERROR);
  }
}

TEST(Classify, WhatCannotBeWrittenIsAnOutputErrorInAnyPhase) {
  const absl::Status full = with_reason(absl::StatusCode::kResourceExhausted, "DISK_FULL");
  for (const Phase phase : {Phase::kRead, Phase::kCompute, Phase::kWrite, Phase::kPublish}) {
    EXPECT_EQ(classify(full, phase), v1::ERROR_CLASS_OUTPUT_ERROR);
  }
  EXPECT_EQ(classify(absl::UnavailableError("EIO"), Phase::kWrite), v1::ERROR_CLASS_OUTPUT_ERROR);
}

TEST(Classify, ADamagedProductIsTheEnginesFault) {
  EXPECT_EQ(classify(with_reason(absl::StatusCode::kDataLoss, "BAD_PRODUCT"), Phase::kPublish),
            v1::ERROR_CLASS_ENGINE_ERROR);
}

TEST(Classify, MemoryCancellationAndFencesHaveTheirOwnClasses) {
  EXPECT_EQ(
      classify(with_reason(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY"), Phase::kWrite),
      v1::ERROR_CLASS_OUT_OF_MEMORY);
  EXPECT_EQ(classify(absl::CancelledError(), Phase::kWrite), v1::ERROR_CLASS_CANCELLED);
  EXPECT_EQ(classify(absl::AbortedError("fenced"), Phase::kPublish), v1::ERROR_CLASS_WORKER_LOST);
  EXPECT_EQ(classify(absl::InternalError("x"), Phase::kCompute), v1::ERROR_CLASS_ENGINE_ERROR);
}

}  // namespace
}  // namespace unfold::engine
