#include "server/rpc/batch_submit.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "server/rpc/find_job.h"
#include "server/rpc/job_requests.h"

namespace unfold::server {
namespace {

using Result = v1::BatchSubmitResponse::Result;

Result result_of(const absl::StatusOr<v1::Job>& job) {
  Result result;
  if (job.ok()) {
    *result.mutable_job() = *job;
    return result;
  }
  result.set_code(static_cast<int>(job.status().code()));
  result.set_message(std::string(job.status().message()));
  result.mutable_error()->ParseFromString(error_detail_bytes(job.status()));
  return result;
}

absl::Status check(const Backend& backend, const v1::SubmitRequest& request) {
  if (auto bad = check_request_id(request.request_id()); !bad.ok()) return bad;
  return check_job(request.spec(), backend.facts.probe_engine, backend.clock.now());
}

// One batch between its first plan and its answer. Each plan writes its own slot.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(const Backend& backend, const Call& call, const v1::BatchSubmitRequest& request,
        v1::BatchSubmitResponse* response)
      : backend_(backend),
        call_(call),
        request_(request),
        response_(response),
        jobs_(static_cast<std::size_t>(request.requests_size()), absl::UnknownError("not planned")),
        unplanned_(request.requests_size()) {}

  void plan() {
    for (int i = 0; i < request_.requests_size(); ++i) {
      const v1::SubmitRequest& one = request_.requests(i);
      if (auto bad = check(backend_, one); !bad.ok()) {
        planned(i, bad);
        continue;
      }
      backend_.planner.plan(one.spec(),
                            [batch = shared_from_this(), i](absl::StatusOr<plan::Planned> plan) {
                              batch->planned(i, std::move(plan));
                            });
    }
  }

 private:
  void planned(int index, absl::StatusOr<plan::Planned> plan) {
    auto& slot = jobs_[static_cast<std::size_t>(index)];
    if (plan.ok()) {
      slot = new_job(request_.requests(index), *std::move(plan), call_.submitter());
    } else {
      slot = plan.status();
    }
    if (--unplanned_ == 0) find_repeats();
  }

  // What is refused now may have been accepted before: a repeat gets its first answer.
  void find_repeats() {
    const bool all_new =
        std::all_of(jobs_.begin(), jobs_.end(), [](auto& job) { return job.ok(); });
    if (all_new) return submit();
    backend_.loop.post_read([batch = shared_from_this()](const Core& core, Time) {
      for (int i = 0; i < batch->request_.requests_size(); ++i) {
        const v1::SubmitRequest& one = batch->request_.requests(i);
        if (batch->jobs_[static_cast<std::size_t>(i)].ok() || one.validate_only()) continue;
        auto known = repeated_job(batch->backend_, core, batch->call_.submitter(), one);
        if (known) batch->repeats_.emplace(i, *std::move(known));
      }
      batch->submit();
    });
  }

  void submit() {
    SubmitJobs event;
    for (int i = 0; i < request_.requests_size(); ++i) {
      const auto& job = jobs_[static_cast<std::size_t>(i)];
      if (job.ok() && !request_.requests(i).validate_only()) event.jobs.push_back(*job);
    }
    if (event.jobs.empty()) {
      answer({});
      return;
    }
    const std::int64_t before = backend_.feed.revision();
    call_.act<SubmitReply>(
        [&event](Token token) {
          event.token = token;
          return std::move(event);
        },
        [batch = shared_from_this(), before](const SubmitReply& reply) {
          batch->fill(reply, before);
          return absl::OkStatus();
        });
  }

  void answer(const SubmitReply& reply) {
    fill(reply, backend_.feed.revision());
    call_.finish(absl::OkStatus());
  }

  void fill(const SubmitReply& reply, std::int64_t before) {
    auto submitted = reply.jobs.begin();
    for (int i = 0; i < request_.requests_size(); ++i) {
      const auto& job = jobs_[static_cast<std::size_t>(i)];
      if (const auto repeat = repeats_.find(i); repeat != repeats_.end()) {
        *response_->add_results() = result_of(repeat->second);
      } else if (!job.ok()) {
        *response_->add_results() = result_of(job.status());
      } else if (request_.requests(i).validate_only()) {
        *response_->add_results() = result_of(preview(*job));
      } else {
        count_submitted(backend_.metrics, *submitted, before, job->source);
        *response_->add_results() = result_of(*submitted++);
      }
    }
  }

  const Backend& backend_;
  const Call call_;
  const v1::BatchSubmitRequest& request_;
  v1::BatchSubmitResponse* const response_;
  std::vector<absl::StatusOr<NewJob>> jobs_;        // in request order
  std::map<int, absl::StatusOr<v1::Job>> repeats_;  // by place in the request
  std::atomic<int> unplanned_;
};

}  // namespace

void submit_batch(const Backend& backend, const Call& call, const v1::BatchSubmitRequest& request,
                  v1::BatchSubmitResponse* response) {
  std::make_shared<Batch>(backend, call, request, response)->plan();
}

}  // namespace unfold::server
