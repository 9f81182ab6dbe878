#include "common/metrics/scheduler_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace unfold::metrics {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<RpcName> kRpcs = {{"unfold.v1.JobService", "Submit"},
                                    {"unfold.v1.JobService", "Get"}};

TEST(SchedulerMetrics, EveryLabelSetExistsAtZeroFromTheStart) {
  const std::string text = SchedulerMetrics(kRpcs).text();
  for (const char* line :
       {"unfold_jobs_finished_total{class=\"batch\",engine=\"extraction\",outcome=\"failed\"} 0",
        "unfold_job_attempts_total{engine=\"probe\",outcome=\"failed\",reason=\"worker_lost\"} 0",
        "unfold_frames_processed_total{camera=\"z9\",engine=\"extraction\"} 0",
        "unfold_grpc_server_handled_total{code=\"OK\",method=\"Get\",service=\"unfold.v1."
        "JobService\"} 0",
        "unfold_fenced_publishes_total 0", "unfold_dispatch_latency_seconds_count 0",
        "unfold_workers{state=\"lost\"} 0", "unfold_workers{state=\"cordoned\"} 0",
        "unfold_job_start_duration_seconds_count{engine=\"spi\",response=\"hit\"} 0",
        "unfold_slot_idle_duration_seconds_count{engine=\"imaging\"} 0", "unfold_leader 1"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SchedulerMetrics, AChildIsFoundByItsLabelValues) {
  const SchedulerMetrics metrics(kRpcs);
  metrics.jobs_finished.at({"probe", "batch", "expired"}).Increment();
  metrics.rpc_handled[1].at({"NOT_FOUND"}).Increment();
  EXPECT_THAT(
      metrics.text(),
      AllOf(HasSubstr("unfold_jobs_finished_total{class=\"batch\",engine=\"probe\",outcome="
                      "\"expired\"} 1"),
            HasSubstr("code=\"NOT_FOUND\",method=\"Get\",service=\"unfold.v1.JobService\"} 1")));
}

TEST(SchedulerMetrics, AnUnlistedValueCountsAsTheLastAndMakesNoNewSeries) {
  const SchedulerMetrics metrics(kRpcs);
  metrics.frames_processed.at({"extraction", "j9d8f7"}).Increment();
  EXPECT_THAT(metrics.text(), AllOf(HasSubstr("camera=\"other\",engine=\"extraction\"} 1"),
                                    Not(HasSubstr("j9d8f7"))));
}

double value_of(const std::string& text, const std::string& series) {
  const std::size_t at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

TEST(SchedulerMetrics, DisksAreMeasuredByFolderAndKeptWhereTheyDoNotAnswer) {
  const SchedulerMetrics metrics(kRpcs);
  EXPECT_THAT(metrics.text(), HasSubstr("unfold_disk_free_bytes{folder=\"state\"} 0"));
  metrics.disks->show("data", "/");
  const std::string text = metrics.text();
  const double size = value_of(text, "unfold_disk_size_bytes{folder=\"data\"}");
  EXPECT_GT(size, 0);
  EXPECT_LE(value_of(text, "unfold_disk_free_bytes{folder=\"data\"}"), size);
  EXPECT_GT(value_of(text, "unfold_disk_measured_time_seconds{folder=\"data\"}"), 1.7e9);
  metrics.disks->show("data", "/no such folder");
  EXPECT_EQ(value_of(metrics.text(), "unfold_disk_size_bytes{folder=\"data\"}"), size);
}

v1::Worker gpu_worker() {
  v1::Worker worker;
  worker.set_host("node7");
  worker.set_device("cuda:1");
  worker.set_resident_bytes(30);
  worker.mutable_workspace()->set_reserved_bytes(4);
  worker.mutable_workspace()->set_idle_bytes(1);
  v1::DeviceHealth& health = *worker.mutable_health();
  health.set_memory_total_bytes(100);
  health.set_memory_used_bytes(40);
  health.set_temperature_celsius(54);
  health.add_throttling("thermal");
  health.mutable_ecc_aggregate()->set_corrected(3);
  return worker;
}

TEST(SchedulerMetrics, EveryFamilyOfGpusExistsBeforeThereIsOne) {
  const std::string text = SchedulerMetrics(kRpcs).text();
  for (const char* line :
       {"unfold_worker_gpu_memory_bytes{gpu=\"none\",host=\"none\",kind=\"free\"} 0",
        "unfold_worker_gpu_temperature_celsius{gpu=\"none\",host=\"none\"} 0",
        "unfold_worker_gpu_power_watts{gpu=\"none\",host=\"none\"} 0",
        "unfold_worker_gpu_utilization_ratio{gpu=\"none\",host=\"none\"} 0",
        "unfold_worker_gpu_throttled{gpu=\"none\",host=\"none\",reason=\"power\"} 0",
        "unfold_worker_gpu_ecc_errors{gpu=\"none\",host=\"none\",kind=\"corrected\",scope=",
        "unfold_worker_gpu_errors_total{gpu=\"none\",host=\"none\",kind=\"xid\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(SchedulerMetrics, AGpuIsShownWhileItsWorkerIsThereAndItsErrorsStay) {
  const SchedulerMetrics metrics(kRpcs);
  metrics.gpus->show({gpu_worker(), v1::Worker()});
  const std::string gpu = "gpu=\"cuda:1\",host=\"node7\"";
  for (const std::string& line :
       {"unfold_worker_gpu_memory_bytes{" + gpu + ",kind=\"response\"} 30",
        "unfold_worker_gpu_memory_bytes{" + gpu + ",kind=\"workspace\"} 4",
        "unfold_worker_gpu_memory_bytes{" + gpu + ",kind=\"idle_workspace\"} 1",
        "unfold_worker_gpu_memory_bytes{" + gpu + ",kind=\"other\"} 5",
        "unfold_worker_gpu_memory_bytes{" + gpu + ",kind=\"free\"} 60",
        "unfold_worker_gpu_temperature_celsius{" + gpu + "} 54",
        "unfold_worker_gpu_throttled{" + gpu + ",reason=\"thermal\"} 1",
        "unfold_worker_gpu_throttled{" + gpu + ",reason=\"power\"} 0",
        "unfold_worker_gpu_ecc_errors{" + gpu + ",kind=\"corrected\",scope=\"aggregate\"} 3",
        "unfold_worker_gpu_errors_total{" + gpu + ",kind=\"cuda\"} 0"}) {
    EXPECT_THAT(metrics.text(), HasSubstr(line));
  }
  EXPECT_THAT(metrics.text(), Not(HasSubstr("temperature_celsius{gpu=\"none\"")));
  metrics.gpus->errors("node7", "cuda:1", "xid").Increment();
  metrics.gpus->show({});
  EXPECT_THAT(metrics.text(), AllOf(Not(HasSubstr("temperature_celsius{" + gpu)),
                                    HasSubstr("errors_total{" + gpu + ",kind=\"xid\"} 1")));
}

TEST(SchedulerMetrics, StayWithinTheSeriesBudget) {
  std::vector<RpcName> rpcs;
  for (int i = 0; i < 30; ++i) rpcs.push_back({"service", "method" + std::to_string(i)});
  const std::string text = SchedulerMetrics(rpcs).text();
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 3000);
}

TEST(SchedulerMetrics, PromtoolFindsNothingToComplainAbout) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool";
  const std::string complaints = testing::TempDir() + "promtool-complaints.txt";
  std::FILE* promtool = popen(("promtool check metrics >" + complaints + " 2>&1").c_str(), "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = SchedulerMetrics(kRpcs).text();
  std::fwrite(text.data(), 1, text.size(), promtool);
  EXPECT_EQ(pclose(promtool), 0) << "see " << complaints;
}

}  // namespace
}  // namespace unfold::metrics
