#include "client/cli/load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "client/cli/exit_codes.h"
#include "client/cli/words.h"
#include "common/base/ids.h"
#include "common/base/status_macros.h"

namespace unfold::cli {
namespace {

using std::chrono::steady_clock;

constexpr int kBatch = 1000;
constexpr int kPage = 100;

double milliseconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - start).count();
}

v1::SubmitRequest idle_probe(IdSource& ids) {
  v1::SubmitRequest request;
  request.mutable_spec()->mutable_probe();
  request.set_request_id(ids.uuid());
  request.set_source("cli");
  return request;
}

absl::StatusOr<v1::Job> wait_until_final(client::Client& client, const v1::Job& submitted) {
  v1::Job last = submitted;
  v1::WatchRequest request;
  request.set_from_revision(submitted.revision());
  request.set_job_id(submitted.id());
  const auto until = std::chrono::system_clock::now() + std::chrono::minutes(1);
  UNFOLD_RETURN_IF_ERROR(client.watch(request, until, [&last](const v1::WatchEvent& event) {
    if (event.has_job()) last = event.job();
    return !is_final(last.state());
  }));
  return last;
}

// What the clients share; each takes jobs from one counter.
struct SharedLoad {
  std::atomic<int> left;
  std::mutex mutex;
  std::vector<double> sample;
  absl::Status problem;
};

void submit_while_any_left(const std::string& server, SharedLoad& shared) {
  client::ClientOptions options;
  options.server = server;
  client::Client client(options);
  RandomIdSource ids;
  std::vector<double> sample;
  absl::Status problem;
  while (problem.ok() && shared.left.fetch_sub(1) > 0) {
    const v1::SubmitRequest request = idle_probe(ids);
    const steady_clock::time_point start = steady_clock::now();
    problem = client.submit(request).status();
    if (problem.ok()) sample.push_back(milliseconds_since(start));
  }
  if (!problem.ok()) shared.left = 0;
  const std::lock_guard lock(shared.mutex);
  shared.sample.insert(shared.sample.end(), sample.begin(), sample.end());
  shared.problem.Update(problem);
}

}  // namespace

Quantiles quantiles(std::vector<double> sample) {
  if (sample.empty()) return {};
  std::sort(sample.begin(), sample.end());
  const auto at = [&](double part) {
    return sample[static_cast<std::size_t>(part * static_cast<double>(sample.size() - 1) + 0.5)];
  };
  return {at(0.5), at(0.9), at(0.99), sample.back()};
}

absl::StatusOr<SubmitResult> measure_submit(const SubmitLoad& load) {
  SharedLoad shared{.left = load.jobs, .mutex = {}, .sample = {}, .problem = {}};
  const steady_clock::time_point start = steady_clock::now();
  std::vector<std::thread> clients;
  for (int i = 0; i < load.clients; ++i) {
    clients.emplace_back([&] { submit_while_any_left(load.server, shared); });
  }
  for (std::thread& client : clients) client.join();
  if (!shared.problem.ok()) return shared.problem;
  SubmitResult result;
  result.seconds = milliseconds_since(start) / 1000;
  result.submitted = static_cast<std::int64_t>(shared.sample.size());
  result.milliseconds = quantiles(std::move(shared.sample));
  return result;
}

absl::StatusOr<DispatchResult> measure_dispatch(client::Client& client, int jobs) {
  RandomIdSource ids;
  std::vector<double> begun;
  std::vector<double> cycle;
  for (int i = 0; i < jobs; ++i) {
    const steady_clock::time_point start = steady_clock::now();
    UNFOLD_ASSIGN_OR_RETURN(const v1::SubmitResponse response, client.submit(idle_probe(ids)));
    UNFOLD_ASSIGN_OR_RETURN(const v1::Job job, wait_until_final(client, response.job()));
    cycle.push_back(milliseconds_since(start));
    if (job.attempts().empty() || !job.attempts(0).has_started_at()) {
      return absl::InternalError("a probe ended without having begun");
    }
    begun.push_back(1000 * seconds_between(job.submitted_at(), job.attempts(0).started_at()));
  }
  return DispatchResult{quantiles(std::move(begun)), quantiles(std::move(cycle))};
}

absl::Status fill_queue(client::Client& client, std::int64_t count) {
  UNFOLD_ASSIGN_OR_RETURN(const v1::SchedulerStatus status, client.status());
  const auto queued = status.jobs_by_state().find("QUEUED");
  std::int64_t left = count - (queued == status.jobs_by_state().end() ? 0 : queued->second);
  RandomIdSource ids;
  for (; left > 0; left -= kBatch) {
    v1::BatchSubmitRequest batch;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(left, kBatch); ++i) {
      *batch.add_requests() = idle_probe(ids);
    }
    UNFOLD_ASSIGN_OR_RETURN(const v1::BatchSubmitResponse answer, client.batch_submit(batch));
    for (const auto& result : answer.results()) {
      if (result.code() == 0) continue;
      return absl::Status(static_cast<absl::StatusCode>(result.code()), result.message());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Quantiles> measure_list_ms(client::Client& client, int pages) {
  std::vector<double> sample;
  v1::ListJobsRequest request;
  request.set_page_size(kPage);
  for (int page = 0; page < pages; ++page) {
    const steady_clock::time_point start = steady_clock::now();
    UNFOLD_ASSIGN_OR_RETURN(const v1::ListJobsResponse answer, client.list_jobs(request));
    sample.push_back(milliseconds_since(start));
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  return quantiles(std::move(sample));
}

}  // namespace unfold::cli
