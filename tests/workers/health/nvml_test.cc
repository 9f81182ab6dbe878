#include "workers/health/nvml.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/scratch_folder.h"

namespace unfold::health {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The fake library, and the file that is its GPU.
class Nvml : public ::testing::Test {
 protected:
  Nvml() : file_(folder_.path() / "gpu") {
    ::setenv("UNFOLD_NVML", UNFOLD_FAKE_NVML_LIBRARY, 1);
    ::setenv("UNFOLD_FAKE_NVML", file_.c_str(), 1);
  }
  ~Nvml() override {
    ::unsetenv("UNFOLD_NVML");
    ::unsetenv("UNFOLD_FAKE_NVML");
  }
  void gpu_is(const std::string& lines) { std::ofstream(file_) << "uuid GPU-1\n" << lines; }

  test::ScratchFolder folder_;
  std::filesystem::path file_;
};

std::string why_not(const std::string& uuid) {
  try {
    open_nvml(uuid);
  } catch (const NvmlUnavailable& problem) {
    return problem.what();
  }
  return "";
}

TEST_F(Nvml, TellsAllThatTheGpuDoes) {
  gpu_is(
      "temperature 54\npower 412500\nutilization 87\ntotal 1000\nused 300\ncorrected 5\n"
      "uncorrected 0\nthrottling 0x4\n");
  const auto sensors = open_nvml("GPU-1");
  const Reading reading = sensors->read();
  EXPECT_EQ(reading.health.temperature_celsius(), 54);
  EXPECT_DOUBLE_EQ(reading.health.power_watts(), 412.5);
  EXPECT_DOUBLE_EQ(reading.health.utilization(), 0.87);
  EXPECT_EQ(reading.health.memory_total_bytes(), 1000);
  EXPECT_EQ(reading.health.memory_used_bytes(), 300);
  EXPECT_EQ(reading.health.ecc_volatile().corrected(), 5);
  EXPECT_EQ(reading.health.ecc_aggregate().corrected(), 5);
  EXPECT_THAT(reading.health.throttling(), ElementsAre("power"));
  EXPECT_FALSE(reading.lost);
}

TEST_F(Nvml, WhatTheGpuDoesNotTellIsAbsent) {
  gpu_is("total 1000\nused 300\n");
  const Reading reading = open_nvml("GPU-1")->read();
  EXPECT_FALSE(reading.health.has_temperature_celsius());
  EXPECT_FALSE(reading.health.has_power_watts());
  EXPECT_FALSE(reading.health.has_utilization());
  EXPECT_EQ(reading.health.memory_total_bytes(), 1000);
}

TEST_F(Nvml, NamesWhyClocksAreHeldDownButNotThatTheGpuIsIdle) {
  gpu_is("throttling 0x1\n");
  const auto sensors = open_nvml("GPU-1");
  EXPECT_THAT(sensors->read().health.throttling(), ElementsAre());
  gpu_is("throttling 0x68\n");
  EXPECT_THAT(sensors->read().health.throttling(), ElementsAre("thermal", "hardware"));
  gpu_is("throttling 0x90\n");
  EXPECT_THAT(sensors->read().health.throttling(), ElementsAre("power", "other"));
}

TEST_F(Nvml, TellsEachXidOnce) {
  gpu_is("xid 31\n");
  const auto sensors = open_nvml("GPU-1");
  EXPECT_EQ(sensors->next_xid(Duration::zero()), 31);
  EXPECT_EQ(sensors->next_xid(Duration::zero()), std::nullopt);
  gpu_is("xid 31\nxid 79\n");
  EXPECT_EQ(sensors->next_xid(Duration::zero()), 79);
}

TEST_F(Nvml, SaysThatTheGpuIsLost) {
  gpu_is("temperature 54\n");
  const auto sensors = open_nvml("GPU-1");
  gpu_is("lost 1\n");
  EXPECT_TRUE(sensors->read().lost);
}

TEST_F(Nvml, ExplainsItsAbsence) {
  gpu_is("");
  EXPECT_THAT(why_not("GPU-2"), HasSubstr("does not know the GPU GPU-2 (Not Found)"));
  ::setenv("UNFOLD_NVML", "/nowhere/libnvidia-ml.so.1", 1);
  EXPECT_THAT(why_not("GPU-1"), HasSubstr("cannot open NVML"));
}

}  // namespace
}  // namespace unfold::health
