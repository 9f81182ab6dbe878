#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/jobs/job_filter.h"
#include "server/jobs/sabotage.h"
#include "server/scheduler/core_state.h"

namespace unfold::server {
namespace {

void stamp(google::protobuf::Timestamp* timestamp, std::int64_t unix_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  timestamp->set_seconds(unix_ns / kSecond);
  timestamp->set_nanos(static_cast<std::int32_t>(unix_ns % kSecond));
}

absl::Status queue_full(std::int64_t limit) {
  return error({.code = absl::StatusCode::kResourceExhausted,
                .reason = "QUEUE_FULL",
                .field = "",
                .what = "the queue takes no more jobs",
                .why = absl::StrCat("it holds its limit of ", limit),
                .remedy = "submit again when some have finished"});
}

absl::Status no_worker(const std::string& name, const std::string& why) {
  const std::string what =
      name.empty() ? "no worker can do this" : absl::StrCat("no such worker: ", name);
  return error({.code = absl::StatusCode::kNotFound,
                .reason = "NO_WORKER",
                .field = "worker",
                .what = what,
                .why = why,
                .remedy = "see the list of workers"});
}

v1::Job named(const std::string& id) {
  v1::Job job;
  job.set_id(id);
  return job;
}

}  // namespace

absl::StatusOr<std::string> Core::State::remembered(const std::string& caller,
                                                    const std::string& id,
                                                    const std::string& digest) const {
  const auto found = id.empty() ? requests.end() : requests.find({caller, id});
  if (found == requests.end() || found->second.unix_ns + kRequestMemoryNs < now.unix_ns) {
    return std::string();
  }
  if (found->second.digest == digest) return found->second.job_id;
  return error({.code = absl::StatusCode::kAlreadyExists,
                .reason = "REQUEST_ID_REUSED",
                .field = "request_id",
                .what = absl::StrCat("request_id ", id, " is taken"),
                .why = "it was used for another request",
                .remedy = "use a new one for a new request"});
}

void Core::State::remember(const std::string& caller, const std::string& id,
                           const std::string& digest, const std::string& answer) {
  if (sabotage::kForgetRequests || id.empty()) return;
  while (!requests_by_age.empty()) {
    const auto oldest = requests.find(requests_by_age.front());
    const bool fresh =
        oldest != requests.end() && oldest->second.unix_ns + kRequestMemoryNs >= now.unix_ns;
    if (fresh) break;
    if (oldest != requests.end()) requests.erase(oldest);
    requests_by_age.pop_front();
  }
  const PutRequest request{caller, id, digest, answer, now.unix_ns};
  requests[{caller, id}] = request;
  requests_by_age.emplace_back(caller, id);
  fx.writes.emplace_back(request);
}

absl::StatusOr<std::string> Core::State::submit(const NewJob& request) {
  UNFOLD_ASSIGN_OR_RETURN(const std::string known, remembered(request.submitter, request.request_id,
                                                              request.request_digest));
  if (!known.empty()) return known;
  if (const std::size_t bytes = request.spec.ByteSizeLong(); bytes > config.max_spec_bytes) {
    return error({.code = absl::StatusCode::kInvalidArgument,
                  .reason = "SPEC_TOO_BIG",
                  .field = "spec",
                  .what = absl::StrCat("the job's description has ", bytes, " bytes"),
                  .why = absl::StrCat("at most ", config.max_spec_bytes, " are taken"),
                  .remedy = "pass big things by file"});
  }
  if (queued_jobs >= config.max_queued) return queue_full(config.max_queued);
  const std::string id = create(request);
  remember(request.submitter, request.request_id, request.request_digest, id);
  return id;
}

std::string Core::State::create(const NewJob& request) {
  constexpr std::size_t kIdLength = 16;  // 64 random bits: short enough to read out
  std::string id;
  do {
    id = ids.uuid().substr(0, kIdLength);
  } while (jobs.contains(id));
  LiveJob& live = jobs[id];
  v1::Job& job = live.job;
  job.set_id(id);
  job.set_state(v1::JOB_STATE_QUEUED);
  *job.mutable_spec() = request.spec;
  *job.mutable_plan() = request.plan;
  job.set_engine(request.engine);
  job.set_exposure(request.exposure);
  job.set_submitter(request.submitter);
  job.set_request_id(request.request_id);
  stamp(job.mutable_submitted_at(), now.unix_ns);
  ++live_counts[{job.engine(), job.state()}];
  ++queued_jobs;
  ++totals.submitted_total[request.source];
  mark(live);
  log(job, "info", absl::StrCat("submitted by ", request.submitter));
  enqueue(live);
  return id;
}

void Core::State::handle(const SubmitJobs& event) {
  const std::string& caller = event.exposure_submitter;
  SubmitReply answer;
  if (event.exposure) {
    const auto known = remembered(caller, event.exposure_request_id, event.exposure_request_digest);
    if (!known.ok()) return reply(event.token, known.status());
    if (!known->empty()) {
      answer.exposure.emplace().set_id(*known);
      return reply(event.token, std::move(answer));
    }
    const auto wanted = static_cast<std::int64_t>(event.jobs.size());
    if (queued_jobs + wanted > config.max_queued) {
      return reply(event.token, queue_full(config.max_queued));
    }
  }
  for (const NewJob& request : event.jobs) {
    const auto id = submit(request);
    if (id.ok()) {
      answer.jobs.emplace_back(named(*id));
    } else {
      answer.jobs.emplace_back(id.status());
    }
  }
  if (event.exposure) {
    v1::Exposure& exposure = answer.exposure.emplace(*event.exposure);
    fill_cameras(exposure, event, answer.jobs);
    remember(caller, event.exposure_request_id, event.exposure_request_digest, exposure.id());
    fx.writes.emplace_back(PutExposure{exposure});
  }
  reply(event.token, std::move(answer));
}

void Core::State::fill_cameras(v1::Exposure& exposure, const SubmitJobs& event,
                               const std::vector<absl::StatusOr<v1::Job>>& submitted) {
  stamp(exposure.mutable_submitted_at(), now.unix_ns);
  for (std::size_t i = 0; i < submitted.size(); ++i) {
    const std::string& camera = event.jobs[i].spec.extraction().camera();
    for (v1::CameraState& state : *exposure.mutable_cameras()) {
      if (state.camera() != camera) continue;
      if (submitted[i].ok()) {
        state.set_job_id(submitted[i]->id());
        state.set_state(v1::JOB_STATE_QUEUED);
      } else {
        state.set_problem(std::string(submitted[i].status().message()));
      }
    }
  }
}

void Core::State::handle(const CancelJobRequest& event) {
  const auto known = remembered(event.submitter, event.request_id, event.request_digest);
  if (!known.ok()) return reply(event.token, known.status());
  LiveJob* live = find(event.job_id);
  if (live == nullptr && !event.stored) return reply(event.token, no_such("job", event.job_id));
  if (!known->empty()) {  // it may have been retried since
    return reply(event.token, live != nullptr ? named(event.job_id) : *event.stored);
  }
  if (live == nullptr) {
    v1::Job job = *event.stored;
    const auto outcome = apply(job, CancelRequested{}, now, limits());
    if (!outcome.ok()) return reply(event.token, outcome.status());
    return reply(event.token, std::move(job));
  }
  const bool waits = live->job.state() == v1::JOB_STATE_QUEUED;
  const bool asked_before = live->job.cancelling();
  if (const absl::Status status = try_change(*live, CancelRequested{}); !status.ok()) {
    return reply(event.token, status);
  }
  remember(event.submitter, event.request_id, event.request_digest, event.job_id);
  if (waits) {
    dequeue(*live);
    log(live->job, "info", "cancelled before it ran");
  } else if (Lease* lease = fleet.lease(event.job_id); lease != nullptr && !asked_before) {
    log(live->job, "info", "cancel requested", lease->row.worker);
    stop(*lease, v1::ERROR_CLASS_CANCELLED);
  }
  reply(event.token, named(event.job_id));
}

void Core::State::handle(const RetryJobRequest& event) {
  const auto known = remembered(event.submitter, event.request_id, event.request_digest);
  if (!known.ok()) return reply(event.token, known.status());
  LiveJob* live = find(event.job_id);
  if (live == nullptr && !event.stored) return reply(event.token, no_such("job", event.job_id));
  if (!known->empty()) {
    return reply(event.token, live != nullptr ? named(event.job_id) : *event.stored);
  }
  LiveJob again;
  again.job = live != nullptr ? live->job : *event.stored;
  const CoreCounts::EngineState before{again.job.engine(), again.job.state()};
  if (const auto outcome = apply(again.job, RetryRequested{}, now, limits()); !outcome.ok()) {
    return reply(event.token, outcome.status());
  }
  if (queued_jobs >= config.max_queued) return reply(event.token, queue_full(config.max_queued));
  again.intents = event.stored_intents;
  LiveJob& added = live != nullptr ? *live : jobs[event.job_id];
  if (live != nullptr) --live_counts[before];  // final, and still here in this very step
  added = std::move(again);
  ++live_counts[{added.job.engine(), added.job.state()}];
  ++queued_jobs;
  mark(added);
  remember(event.submitter, event.request_id, event.request_digest, event.job_id);
  log(added.job, "info", "queued again by request");
  enqueue(added);
  reply(event.token, named(event.job_id));
}

void Core::State::handle(const DrainWorker& event) {
  const auto known = remembered(event.submitter, event.request_id, event.request_digest);
  if (!known.ok()) return reply(event.token, known.status());
  const WorkerRecord* worker = fleet.worker(event.worker);
  if (worker == nullptr && !draining.contains(event.worker)) {
    return reply(event.token, no_worker(event.worker, "it is not connected"));
  }
  if (known->empty()) set_draining(event);
  WorkerReply answer;
  answer.worker.set_name(event.worker);
  if (worker != nullptr) answer.worker = fleet.view(*worker, now);
  reply(event.token, std::move(answer));
}

void Core::State::set_draining(const DrainWorker& event) {
  if (event.undrain) {
    draining.erase(event.worker);
  } else {
    draining.insert(event.worker);
  }
  fx.writes.emplace_back(PutDrain{event.worker, !event.undrain});
  remember(event.submitter, event.request_id, event.request_digest, event.worker);
  WorkerRecord* worker = fleet.worker(event.worker);
  if (worker == nullptr) return;
  worker->draining = !event.undrain;
  if (event.undrain) pardon(*worker);
  if (worker->session != 0) send(worker->session).mutable_drain()->set_undrain(event.undrain);
  for (const std::string& job : worker->jobs) {  // what has not begun goes elsewhere
    Lease& lease = *fleet.lease(job);
    if (worker->draining && lease.row.prefetch) stop(lease, v1::ERROR_CLASS_PREEMPTED);
  }
  if (event.undrain) unpark();
}

void Core::State::handle(const PreloadRequested& event) {
  const WorkerRecord* best = nullptr;
  std::int64_t most_room = 0;
  for (const auto& [name, worker] : fleet.workers()) {
    if (!event.worker.empty() && name != event.worker) continue;
    if (!worker.ready() || !worker.offers(event.job.engine)) continue;
    if (!worker.fits_ever(
            {.engine = event.job.engine, .response_bytes = event.job.plan.response_bytes()})) {
      continue;
    }
    std::int64_t room = worker.hello.memory_bytes();
    for (const auto& [key, residency] : worker.residency) room -= residency.bytes();
    if (best == nullptr || room > most_room) {
      best = &worker;
      most_room = room;
    }
  }
  if (best == nullptr) {
    return reply(event.token,
                 no_worker(event.worker, absl::StrCat("none that is ready offers engine ",
                                                      event.job.engine, " and has room")));
  }
  v1::PreloadResponseOrder& order = *send(best->session).mutable_preload();
  *order.mutable_spec() = event.job.spec;
  *order.mutable_plan() = event.job.plan;
  reply(event.token, PreloadReply{best->name, event.job.plan.response_key()});
}

void Core::State::handle(const EvictRequested& event) {
  if (!event.worker.empty() && fleet.worker(event.worker) == nullptr) {
    return reply(event.token, no_worker(event.worker, "it is not connected"));
  }
  EvictReply answer;
  for (const auto& [name, worker] : fleet.workers()) {
    if (!event.worker.empty() && name != event.worker) continue;
    if (worker.session == 0 || !worker.residency.contains(event.key)) continue;
    send(worker.session).mutable_evict()->set_key(event.key);
    ++answer.workers;
  }
  reply(event.token, answer);
}

}  // namespace unfold::server
