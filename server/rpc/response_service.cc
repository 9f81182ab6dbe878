#include "server/rpc/response_service.h"

#include <utility>

#include "common/base/error.h"
#include "server/rpc/call.h"
#include "server/rpc/job_requests.h"

namespace unfold::server {
namespace {

// A preload runs and publishes nothing: neither a deadline that passed nor the product of the job
// that was described stands in its way.
v1::JobSpec spec_of(const v1::PreloadRequest& request) {
  v1::JobSpec spec = request.spec();
  spec.clear_deadline();
  spec.set_overwrite(true);
  return spec;
}

void preload(const Call& call, const v1::PreloadRequest& request, plan::Planned planned,
             v1::PreloadResponse* response) {
  if (request.validate_only()) {
    response->set_key(planned.plan.response_key());
    response->set_worker(request.worker());
    call.finish(absl::OkStatus());
    return;
  }
  v1::SubmitRequest as_submit;
  as_submit.set_request_id(request.request_id());
  NewJob job = new_job(as_submit, std::move(planned), call.submitter());
  call.act<PreloadReply>(
      [&](Token token) {
        return PreloadRequested{.token = token, .job = job, .worker = request.worker()};
      },
      [response](const PreloadReply& reply) {
        response->set_worker(reply.worker);
        response->set_key(reply.key);
        return absl::OkStatus();
      });
}

// The workers that hold a response: those an eviction would ask.
int holders(const Core& core, const v1::EvictRequest& request, Time now) {
  int count = 0;
  for (const v1::Worker& worker : core.workers(now)) {
    if (!request.worker().empty() && worker.name() != request.worker()) continue;
    for (const v1::Residency& resident : worker.responses()) {
      if (resident.key() == request.key()) ++count;
    }
  }
  return count;
}

}  // namespace

grpc::ServerUnaryReactor* ResponseService::ListResponses(grpc::CallbackServerContext* context,
                                                         const v1::ListResponsesRequest*,
                                                         v1::ListResponsesResponse* response) {
  const Call call(backend_, Rpc::kListResponses, context);
  backend_.loop.post_read([call, response](const Core& core, Time now) {
    for (const v1::Worker& worker : core.workers(now)) {
      for (const v1::Residency& resident : worker.responses()) {
        *response->add_responses() = resident;
      }
    }
    call.finish(absl::OkStatus());
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* ResponseService::Preload(grpc::CallbackServerContext* context,
                                                   const v1::PreloadRequest* request,
                                                   v1::PreloadResponse* response) {
  const Call call(backend_, Rpc::kPreload, context);
  if (const auto bad = check_request_id(request->request_id()); !bad.ok()) return call.finish(bad);
  v1::JobSpec spec = spec_of(*request);
  if (const auto bad = check_job(spec, backend_.facts.probe_engine, backend_.clock.now());
      !bad.ok()) {
    return call.finish(bad);
  }
  backend_.planner.plan(std::move(spec),
                        [call, request, response](absl::StatusOr<plan::Planned> planned) {
                          if (!planned.ok()) {
                            call.finish(planned.status());
                          } else {
                            preload(call, *request, *std::move(planned), response);
                          }
                        });
  return call.reactor();
}

grpc::ServerUnaryReactor* ResponseService::Evict(grpc::CallbackServerContext* context,
                                                 const v1::EvictRequest* request,
                                                 v1::EvictResponse* response) {
  const Call call(backend_, Rpc::kEvict, context);
  if (request->key().empty()) {
    return call.finish(error({.code = absl::StatusCode::kInvalidArgument,
                              .reason = "MISSING_FIELD",
                              .field = "key",
                              .what = "no response named",
                              .why = "",
                              .remedy = "unfold responses lists their keys"}));
  }
  if (request->validate_only()) {
    backend_.loop.post_read([call, request, response](const Core& core, Time now) {
      response->set_workers(holders(core, *request, now));
      call.finish(absl::OkStatus());
    });
    return call.reactor();
  }
  return call.act<EvictReply>(
      [&](Token token) {
        return EvictRequested{.token = token, .key = request->key(), .worker = request->worker()};
      },
      [response](const EvictReply& reply) {
        response->set_workers(reply.workers);
        return absl::OkStatus();
      });
}

}  // namespace unfold::server
