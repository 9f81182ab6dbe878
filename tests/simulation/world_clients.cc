#include "absl/strings/str_cat.h"
#include "server/jobs/life_cycle.h"
#include "tests/simulation/worker.h"
#include "tests/simulation/world.h"

// What clients ask for, and what goes wrong around them.
namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

}  // namespace

void World::plan_clients() {
  const int jobs = 8 + random_.below(12);
  for (int i = 0; i < jobs; ++i) {
    const std::string client = absl::StrCat("client", random_.below(3));
    at(random_.between(Duration::zero(), kStorm * 3 / 4), [this, job = draw_job(client, i)] {
      ++unanswered_;
      submit(job);
      if (chance(0.1)) submit(job);  // a client that is impatient
    });
  }
}

server::NewJob World::draw_job(const std::string& client, int number) {
  server::NewJob job;
  job.submitter = client;
  job.request_id = absl::StrCat("request", number);
  job.request_digest = absl::StrCat("digest", number);
  job.engine = "probe";
  job.source = "simulation";
  v1::ProbeSpec& probe = *job.spec.mutable_probe();
  probe.mutable_run()->set_seconds(random_.below(12));
  probe.mutable_run()->set_nanos(1'000'000 * (1 + random_.below(900)));
  if (random_.chance(0.75)) probe.set_output(absl::StrCat("product", number));
  probe.set_output_bytes(random_.below(2));
  if (random_.chance(0.25)) {
    probe.set_fault(static_cast<v1::ProbeSpec::Fault>(1 + random_.below(5)));
    probe.set_fault_attempts(random_.below(3));
  }
  if (random_.chance(0.5)) {
    job.plan.set_response_key(absl::StrCat("psf", random_.below(3)));
    job.plan.set_response_bytes(40 + random_.below(40));
  }
  // Jobs of one key have one size: the key names the bytes.
  if (!job.plan.response_key().empty()) {
    job.plan.set_response_bytes(40 + 5 * (job.plan.response_key().back() - '0'));
  }
  job.plan.set_load_seconds(0.5);
  job.plan.set_run_seconds(static_cast<double>(probe.run().seconds()) + 0.5);
  job.spec.set_priority(random_.below(3));
  job.spec.set_overwrite(random_.chance(0.3));
  if (random_.chance(0.2)) {
    job.spec.mutable_deadline()->set_seconds(now_.unix_ns / 1'000'000'000 + 20 +
                                             random_.below(100));
  }
  if (random_.chance(0.2)) job.spec.mutable_run_timeout()->set_seconds(1 + random_.below(10));
  return job;
}

void World::submit(const server::NewJob& job) {
  const server::Token token = ++last_token_;
  const auto answered = std::make_shared<bool>(false);
  waiting_[token] = [this, answered, job](const absl::StatusOr<server::ReplyBody>& body) {
    if (!body.ok()) return;  // it will ask again
    const auto& one = std::get<server::SubmitReply>(*body).jobs.at(0);
    if (!one.ok()) return invariants_.fail(absl::StrCat("refused: ", one.status().ToString()));
    *answered = true;
    invariants_.acknowledged(one->id());
    if (chance(weather_.cancel)) {
      at(random_.between(Duration::zero(), seconds(20)), [this, id = one->id()] { cancel(id); });
    }
  };
  at(random_.between(milliseconds(1), milliseconds(50)), [this, token, job] {
    post(server::SubmitJobs{.token = token,
                            .jobs = {job},
                            .exposure = {},
                            .exposure_request_id = "",
                            .exposure_request_digest = ""});
  });
  // The client's own timeout: the same request again, until an answer comes.
  at(seconds(3), [this, answered, job, token] {
    waiting_.erase(token);
    if (!*answered) {
      submit(job);
    } else if (counted_.insert({job.submitter, job.request_id}).second) {
      --unanswered_;
    }
  });
}

void World::cancel(const std::string& job_id) {
  note(absl::StrCat("client cancels ", job_id));
  server::CancelJobRequest request{.token = ++last_token_, .job_id = job_id, .stored = {}};
  if (auto stored = store_.get(job_id); stored.ok()) request.stored = *stored;
  post(std::move(request));
}

void World::watch_for_retry() {
  for (const auto& [id, job] : invariants_.jobs()) {
    const bool failed = server::is_final(job.state()) && job.state() != v1::JOB_STATE_SUCCEEDED;
    if (failed && chance(weather_.retry * 0.2)) return retry(id);
  }
}

void World::retry(const std::string& job_id) {
  if (!core_ || core_->live_job(job_id) != nullptr) return;
  note(absl::StrCat("client retries ", job_id));
  server::RetryJobRequest request;
  request.token = ++last_token_;
  request.job_id = job_id;
  request.submitter = "client0";
  request.stored = *store_.get(job_id);
  request.stored_intents = *store_.intents(job_id);
  invariants_.retry_asked(job_id);
  post(std::move(request));
}

// ---- faults ----

void World::plan_faults() {
  for (int i = 0; i < 20; ++i) {
    at(random_.between(Duration::zero(), kStorm), [this] { watch_for_retry(); });
  }
  if (random_.chance(0.3)) {  // the output disk fills for a while
    const Duration begin = random_.between(Duration::zero(), kStorm / 2);
    at(begin, [this] { note("disk full"), folder_.full = true; });
    at(begin + random_.between(seconds(1), seconds(20)),
       [this] { note("disk has room"), folder_.full = false; });
  }
  if (random_.chance(0.3)) {  // someone sets the wall clock
    at(random_.between(Duration::zero(), kStorm), [this] {
      now_.unix_ns += random_.between(-minutes(2), minutes(2)).count();
      note("the wall clock jumps");
    });
  }
  if (weather_.crash_scheduler > 0) {
    at(random_.between(Duration::zero(), kStorm), [this] { crash_scheduler("out of the blue"); });
  }
  if (weather_.freeze_worker > 0) {
    at(random_.between(Duration::zero(), kStorm), [this] {
      const auto victim =
          static_cast<std::size_t>(random_.below(static_cast<int>(workers_.size())));
      workers_[victim]->freeze(random_.between(seconds(10), seconds(60)));
    });
  }
}

}  // namespace unfold::simulation
