#include "server/rpc/job_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "server/rpc/batch_submit.h"
#include "server/rpc/find_job.h"
#include "server/rpc/job_requests.h"
#include "server/rpc/wait_call.h"
#include "server/rpc/watch_stream.h"

namespace unfold::server {
namespace {

constexpr int kMaxPage = 1000;
constexpr int kDefaultPage = 100;
constexpr int kLogLinesPerCall = 1000;

absl::Status check(const Backend& backend, const v1::SubmitRequest& request) {
  if (auto bad = check_request_id(request.request_id()); !bad.ok()) return bad;
  return check_job(request.spec(), backend.facts.probe_engine, backend.clock.now());
}

v1::LogsResponse::Line line_of(const JobEvent& event) {
  v1::LogsResponse::Line line;
  line.mutable_time()->set_seconds(event.unix_ns / 1'000'000'000);
  line.mutable_time()->set_nanos(static_cast<std::int32_t>(event.unix_ns % 1'000'000'000));
  line.set_level(event.level);
  line.set_message(event.message);
  line.set_attempt(event.attempt);
  line.set_worker(event.worker);
  return line;
}

}  // namespace

grpc::ServerUnaryReactor* JobService::Submit(grpc::CallbackServerContext* context,
                                             const v1::SubmitRequest* request,
                                             v1::SubmitResponse* response) {
  const Call call(backend_, Rpc::kSubmit, context);
  if (auto bad = check(backend_, *request); !bad.ok()) {
    answer_repeat(call, *request, std::move(bad), response);
    return call.reactor();
  }
  backend_.planner.plan(request->spec(),
                        [this, call, request, response](absl::StatusOr<plan::Planned> planned) {
                          queue(call, *request, std::move(planned), response);
                        });
  return call.reactor();
}

void JobService::queue(const Call& call, const v1::SubmitRequest& request,
                       absl::StatusOr<plan::Planned> planned, v1::SubmitResponse* response) const {
  if (!planned.ok()) return answer_repeat(call, request, planned.status(), response);
  NewJob job = new_job(request, *std::move(planned), call.submitter());
  if (request.validate_only()) {
    *response->mutable_job() = preview(job);
    call.finish(absl::OkStatus());
    return;
  }
  const std::int64_t before = backend_.feed.revision();
  const std::string source = job.source;
  call.act<SubmitReply>(
      [&job](Token token) {
        SubmitJobs event;
        event.token = token;
        event.jobs.push_back(std::move(job));
        return event;
      },
      [this, before, source, response](SubmitReply reply) {
        count_submitted(backend_.metrics, reply.jobs.front(), before, source);
        if (reply.jobs.front().ok()) *response->mutable_job() = *std::move(reply.jobs.front());
        return reply.jobs.front().status();
      });
}

// A repeated request gets its first answer even if it would be refused now (its own product is in
// the way, the input is gone, or the deadline has passed).
void JobService::answer_repeat(const Call& call, const v1::SubmitRequest& request,
                               absl::Status refusal, v1::SubmitResponse* response) const {
  if (request.request_id().empty() || request.validate_only()) {
    call.finish(refusal);
    return;
  }
  backend_.loop.post_read([this, call, &request, refusal, response](const Core& core, Time) {
    auto known = repeated_job(backend_, core, call.submitter(), request);
    if (known) {
      call.finish(*std::move(known), response->mutable_job());
    } else {
      call.finish(refusal);
    }
  });
}

grpc::ServerUnaryReactor* JobService::BatchSubmit(grpc::CallbackServerContext* context,
                                                  const v1::BatchSubmitRequest* request,
                                                  v1::BatchSubmitResponse* response) {
  const Call call(backend_, Rpc::kBatchSubmit, context);
  if (request->requests_size() == 0 || request->requests_size() > kMaxPage) {
    return call.finish(error({.code = absl::StatusCode::kInvalidArgument,
                              .reason = "OUT_OF_RANGE",
                              .field = "requests",
                              .what = absl::StrCat("a batch of ", request->requests_size()),
                              .why = "a batch has 1 to 1,000 jobs",
                              .remedy = "split it"}));
  }
  submit_batch(backend_, call, *request, response);
  return call.reactor();
}

grpc::ServerUnaryReactor* JobService::Get(grpc::CallbackServerContext* context,
                                          const v1::GetJobRequest* request, v1::Job* response) {
  const Call call(backend_, Rpc::kGet, context);
  find_job(backend_, request->id(), [call, response](absl::StatusOr<v1::Job> job) {
    call.finish(std::move(job), response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* JobService::List(grpc::CallbackServerContext* context,
                                           const v1::ListJobsRequest* request,
                                           v1::ListJobsResponse* response) {
  const Call call(backend_, Rpc::kList, context);
  if (request->page_size() < 0 || request->page_size() > kMaxPage) {
    return call.finish(error({.code = absl::StatusCode::kInvalidArgument,
                              .reason = "OUT_OF_RANGE",
                              .field = "page_size",
                              .what = absl::StrCat("page size ", request->page_size()),
                              .why = "a page has 1 to 1,000 jobs",
                              .remedy = "use page_token for the rest"}));
  }
  auto page = backend_.store.list(
      {.filter = request->filter(),
       .page_size = request->page_size() == 0 ? kDefaultPage : request->page_size(),
       .page_token = request->page_token()});
  if (!page.ok()) return call.finish(page.status());
  for (v1::Job& job : page->jobs) *response->add_jobs() = std::move(job);
  response->set_next_page_token(page->next_page_token);
  response->set_revision(page->revision);
  response->set_total(page->total);
  return call.finish(absl::OkStatus());
}

grpc::ServerWriteReactor<v1::WatchEvent>* JobService::Watch(grpc::CallbackServerContext* context,
                                                            const v1::WatchRequest* request) {
  return watch(backend_, context, *request);
}

grpc::ServerUnaryReactor* JobService::Wait(grpc::CallbackServerContext* context,
                                           const v1::WaitRequest* request, v1::Job* response) {
  return wait(backend_, context, *request, response);
}

grpc::ServerUnaryReactor* JobService::Cancel(grpc::CallbackServerContext* context,
                                             const v1::CancelRequest* request, v1::Job* response) {
  const Call call(backend_, Rpc::kCancel, context);
  if (const auto bad = check_request_id(request->request_id()); !bad.ok()) return call.finish(bad);
  if (request->validate_only()) {
    find_job(backend_, request->id(), [call, response](absl::StatusOr<v1::Job> job) {
      call.finish(std::move(job), response);
    });
    return call.reactor();
  }
  return call.act<v1::Job>(
      [&](Token token) {
        CancelJobRequest event;
        event.token = token;
        event.job_id = request->id();
        event.submitter = call.submitter();
        event.request_id = request->request_id();
        event.request_digest = request_digest(*request);
        return event;
      },
      [response](v1::Job job) {
        *response = std::move(job);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* JobService::Retry(grpc::CallbackServerContext* context,
                                            const v1::RetryRequest* request, v1::Job* response) {
  const Call call(backend_, Rpc::kRetry, context);
  if (const auto bad = check_request_id(request->request_id()); !bad.ok()) return call.finish(bad);
  if (request->validate_only()) {
    find_job(backend_, request->id(), [call, response](absl::StatusOr<v1::Job> job) {
      call.finish(check_retryable(std::move(job)), response);
    });
    return call.reactor();
  }
  return call.act<v1::Job>(
      [&](Token token) {
        RetryJobRequest event;
        event.token = token;
        event.job_id = request->id();
        event.submitter = call.submitter();
        event.request_id = request->request_id();
        event.request_digest = request_digest(*request);
        return event;
      },
      [response](v1::Job job) {
        *response = std::move(job);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* JobService::Explain(grpc::CallbackServerContext* context,
                                              const v1::ExplainRequest* request,
                                              v1::ExplainResponse* response) {
  const Call call(backend_, Rpc::kExplain, context);
  backend_.loop.post_read([this, call, request, response](const Core& core, Time now) {
    if (core.live_job(request->id()) != nullptr) {
      call.finish(core.explain(request->id(), now), response);
    } else {
      call.finish(explain_final(backend_.store.get(request->id())), response);
    }
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* JobService::Logs(grpc::CallbackServerContext* context,
                                           const v1::LogsRequest* request,
                                           v1::LogsResponse* response) {
  const Call call(backend_, Rpc::kLogs, context);
  if (const auto job = backend_.store.get(request->id()); !job.ok()) {
    return call.finish(job.status());
  }
  const auto page = backend_.store.events(request->id(), request->offset(), kLogLinesPerCall);
  if (!page.ok()) return call.finish(page.status());
  for (const JobEvent& event : page->events) *response->add_lines() = line_of(event);
  response->set_next_offset(page->next_offset);
  return call.finish(absl::OkStatus());
}

}  // namespace unfold::server
