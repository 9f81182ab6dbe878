#include "workers/health/health_record.h"

#include <gmock/gmock.h>

namespace unfold::health {
namespace {

Reading with_uncorrected(std::int64_t in_use, std::int64_t in_life) {
  Reading reading;
  reading.health.mutable_ecc_volatile()->set_uncorrected(in_use);
  reading.health.mutable_ecc_aggregate()->set_uncorrected(in_life);
  return reading;
}

TEST(HealthRecord, KeepsTheLastReadingAndCountsXids) {
  HealthRecord record;
  Reading reading;
  reading.health.set_temperature_celsius(54);
  record.read(reading);
  record.xid(31);
  record.xid(31);
  reading.health.set_temperature_celsius(60);
  record.read(reading);
  EXPECT_EQ(record.health().temperature_celsius(), 60);
  EXPECT_EQ(record.health().xids().at(31), 2);
  EXPECT_EQ(record.health().faults(), 0);
  EXPECT_EQ(record.health().fault(), "");
}

class FatalXid : public ::testing::TestWithParam<unsigned> {};

TEST_P(FatalXid, IsAFault) {
  HealthRecord record;
  record.read({});
  record.xid(GetParam());
  record.read({});  // it stays one
  EXPECT_EQ(record.health().faults(), 1);
  EXPECT_THAT(record.health().fault(), ::testing::StartsWith("Xid "));
}
INSTANTIATE_TEST_SUITE_P(OfNvidiasCatalogue, FatalXid, ::testing::Values(48, 63, 79, 94, 95));

TEST(HealthRecord, ErrorsOfAProgramAreNoFault) {
  HealthRecord record;
  for (const unsigned xid : {13U, 31U, 43U, 45U, 64U, 92U}) record.xid(xid);
  EXPECT_EQ(record.health().faults(), 0);
}

TEST(HealthRecord, UncorrectableErrorsOfTheFirstReadingAreThePastOnes) {
  HealthRecord record;
  record.read(with_uncorrected(2, 7));
  EXPECT_EQ(record.health().faults(), 0);
  record.read(with_uncorrected(2, 7));
  EXPECT_EQ(record.health().faults(), 0);
}

TEST(HealthRecord, AnotherUncorrectableErrorIsAFaultByEitherCounter) {
  HealthRecord record;
  record.read(with_uncorrected(0, 7));
  record.read(with_uncorrected(1, 8));
  EXPECT_EQ(record.health().faults(), 1);
  EXPECT_EQ(record.health().fault(), "uncorrectable ECC error");
  record.read(with_uncorrected(0, 10));  // the driver was loaded again
  EXPECT_EQ(record.health().faults(), 3);
}

TEST(HealthRecord, ALostGpuIsOneFaultAndKeepsWhatItLastSaid) {
  HealthRecord record;
  Reading reading;
  reading.health.set_memory_total_bytes(80);
  record.read(reading);
  record.read({.health = {}, .lost = true});
  record.read({.health = {}, .lost = true});
  EXPECT_EQ(record.health().faults(), 1);
  EXPECT_EQ(record.health().memory_total_bytes(), 80);
}

}  // namespace
}  // namespace unfold::health
