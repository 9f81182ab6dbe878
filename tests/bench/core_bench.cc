// The scheduler's brain and memory, measured without sockets. Prints one JSON object:
// `core_bench [--folder DIR] [--jobs N]`. The folder (default: a new one under the temporary
// folder) decides what an fsync costs.

#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "server/jobs/sqlite_job_store.h"
#include "server/scheduler/core.h"
#include "tests/bench/timing.h"

namespace unfold::server {
namespace {

using Json = nlohmann::ordered_json;

/// p50 and p99 in milliseconds.
Json percentiles(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double p) {
    return 1e3 * seconds[static_cast<std::size_t>(p * static_cast<double>(seconds.size() - 1))];
  };
  return {{"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}, {"n", seconds.size()}};
}

NewJob extraction_job(int number) {
  NewJob job;
  v1::ExtractionSpec& spec = *job.spec.mutable_extraction();
  spec.set_image(absl::StrCat("night:20261120/preproc-r0-", number, ".fits"));
  spec.set_psf(absl::StrCat("night:20261120/psf-r0-", number, ".fits"));
  spec.set_output(absl::StrCat("out:frame-r0-", number, ".fits"));
  spec.set_camera(absl::StrCat("r", number % 10));
  job.plan.set_response_key(absl::StrCat("psf", number % 30));
  job.plan.set_response_bytes(1 << 20);
  job.plan.set_load_seconds(1);
  job.plan.set_run_seconds(5);
  job.engine = "extraction";
  job.submitter = absl::StrCat("user", number % 5);
  job.request_id = absl::StrCat("request", number);
  job.source = "bench";
  return job;
}

SubmitJobs submission(int number) {
  SubmitJobs event;
  event.token = 1;
  event.jobs = {extraction_job(number)};
  return event;
}

/// Steps of the core alone: submissions into a growing queue, then whole job cycles on top of it.
Json bench_steps(int jobs) {
  SystemClock clock;
  RandomIdSource ids;
  Core core({}, {}, ids, clock.now());
  Json out;
  bench::Stopwatch watch;
  for (int i = 0; i < jobs; ++i) core.step(submission(i), clock.now());
  out["submits_per_second"] = jobs / watch.wall();

  v1::WorkerMessage hello;
  hello.mutable_hello()->set_worker("bench-worker");
  hello.mutable_hello()->set_incarnation("first");
  hello.mutable_hello()->set_slots(1);
  hello.mutable_hello()->add_engines("extraction");
  std::vector<v1::Assign> running;
  const auto collect = [&](const Effects& effects) {
    for (const Send& send : effects.sends) {
      if (send.message.has_assign()) running.push_back(send.message.assign());
    }
  };
  collect(core.step(SessionMessage{1, hello}, clock.now()));
  const int cycles = std::min(jobs, 20'000);
  watch = {};
  for (int i = 0; i < cycles; ++i) {
    const v1::Assign assign = running.front();
    running.erase(running.begin());
    v1::WorkerMessage started;
    started.mutable_started()->set_lease_id(assign.lease_id());
    started.mutable_started()->set_fence(assign.fence());
    collect(core.step(SessionMessage{1, started}, clock.now()));
    v1::WorkerMessage finished;
    finished.mutable_finished()->set_lease_id(assign.lease_id());
    finished.mutable_finished()->set_fence(assign.fence());
    finished.mutable_finished()->set_succeeded(true);
    collect(core.step(SessionMessage{1, finished}, clock.now()));
  }
  out["job_cycles_per_second"] = cycles / watch.wall();
  out["queued_meanwhile"] = jobs - cycles;
  v1::WorkerMessage heartbeat;
  heartbeat.mutable_heartbeat()->set_sequence(1);
  watch = {};
  for (int i = 0; i < 100'000; ++i) core.step(SessionMessage{1, heartbeat}, clock.now());
  out["heartbeats_per_second"] = 100'000 / watch.wall();
  return out;
}

/// Durable commits of `batch` submissions each, as the writer loop makes them.
Json bench_commits(JobStore& store, Core& core, const Clock& clock, int& number, int batch,
                   int commits) {
  std::vector<double> latencies;
  const bench::Stopwatch all_commits;
  for (int i = 0; i < commits; ++i) {
    Effects all;
    for (int j = 0; j < batch; ++j) {
      Effects one = core.step(submission(number++), clock.now());
      all.writes.insert(all.writes.end(), one.writes.begin(), one.writes.end());
      all.log.insert(all.log.end(), one.log.begin(), one.log.end());
    }
    const bench::Stopwatch watch;
    const absl::Status status = store.commit(all.writes, all.log);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    latencies.push_back(watch.wall());
  }
  Json out = percentiles(latencies);
  out["jobs_per_second"] = batch * commits / all_commits.wall();
  return out;
}

Json bench_lists(const JobStore& store, const std::string& filter) {
  std::vector<double> latencies;
  std::string token;
  for (int page = 0; page < 200; ++page) {
    const bench::Stopwatch watch;
    const auto listed = store.list({.filter = filter, .page_size = 100, .page_token = token});
    latencies.push_back(watch.wall());
    if (!listed.ok()) throw std::runtime_error(listed.status().ToString());
    token = listed->next_page_token;
    if (token.empty()) break;
  }
  return percentiles(latencies);
}

Json bench_store(const std::string& folder, int jobs) {
  SystemClock clock;
  RandomIdSource ids;
  auto opened = open_sqlite_job_store(folder);
  if (!opened.ok()) throw std::runtime_error(opened.status().ToString());
  std::unique_ptr<JobStore> store = std::move(*opened);
  Core core({}, {}, ids, clock.now());
  int number = 0;
  Json out;
  out["commit_of_1"] = bench_commits(*store, core, clock, number, 1, 500);
  out["commit_of_64"] = bench_commits(*store, core, clock, number, 64, 100);
  out["commit_of_1000"] =
      bench_commits(*store, core, clock, number, 1000, std::max(1, (jobs - number) / 1000));
  out["queued"] = number;
  out["list_page_of_100"] = bench_lists(*store, "");
  out["list_page_of_100_queued"] = bench_lists(*store, "state=QUEUED");
  out["list_page_of_100_one_user"] = bench_lists(*store, "submitter=user3 AND active=true");
  bench::Stopwatch watch;
  auto snapshot = store->load();
  out["snapshot_load_seconds"] = watch.wall();
  watch = {};
  const Core again({}, *std::move(snapshot), ids, clock.now());
  out["core_restore_seconds"] = watch.wall();
  return out;
}

}  // namespace
}  // namespace unfold::server

int main(int argc, char** argv) {
  std::string folder;
  int jobs = 100'000;
  CLI::App app("Measures the scheduler core and its store; prints JSON.");
  app.add_option("--folder", folder, "state folder to use (must be empty)");
  app.add_option("--jobs", jobs, "how many jobs to queue");
  CLI11_PARSE(app, argc, argv);
  const bool temporary = folder.empty();
  if (temporary) {
    std::string pattern = (std::filesystem::temp_directory_path() / "unfold-bench-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  nlohmann::ordered_json out;
  out["core"] = unfold::server::bench_steps(jobs);
  out["store"] = unfold::server::bench_store(folder, jobs);
  if (temporary) std::filesystem::remove_all(folder);
  std::cout << out.dump(2) << "\n";
}
