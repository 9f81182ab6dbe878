#include "server/rpc/admin_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/version.h"
#include "server/jobs/life_cycle.h"
#include "server/rpc/call.h"
#include "server/rpc/job_requests.h"

namespace unfold::server {
namespace {

absl::StatusOr<v1::Worker> find_worker(const Core& core, const std::string& name, Time now) {
  for (v1::Worker& worker : core.workers(now)) {
    if (worker.name() == name) return std::move(worker);
  }
  return error({.code = absl::StatusCode::kNotFound,
                .reason = "NOT_FOUND",
                .field = "worker",
                .what = absl::StrCat("no worker \"", name, "\""),
                .why = "none of that name is connected",
                .remedy = "unfold workers lists them"});
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::ListWorkers(grpc::CallbackServerContext* context,
                                                    const v1::ListWorkersRequest*,
                                                    v1::ListWorkersResponse* response) {
  const Call call(backend_, Rpc::kListWorkers, context);
  backend_.loop.post_read([call, response](const Core& core, Time now) {
    for (v1::Worker& worker : core.workers(now)) *response->add_workers() = std::move(worker);
    call.finish(absl::OkStatus());
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* AdminService::Drain(grpc::CallbackServerContext* context,
                                              const v1::DrainRequest* request,
                                              v1::Worker* response) {
  const Call call(backend_, Rpc::kDrain, context);
  if (const auto bad = check_request_id(request->request_id()); !bad.ok()) return call.finish(bad);
  if (request->validate_only()) {
    backend_.loop.post_read([call, request, response](const Core& core, Time now) {
      call.finish(find_worker(core, request->worker(), now), response);
    });
    return call.reactor();
  }
  return call.act<WorkerReply>(
      [&](Token token) {
        return DrainWorker{.token = token,
                           .worker = request->worker(),
                           .undrain = request->undrain(),
                           .submitter = call.submitter(),
                           .request_id = request->request_id(),
                           .request_digest = request_digest(*request)};
      },
      [response](WorkerReply reply) {
        *response = std::move(reply.worker);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* AdminService::GetStatus(grpc::CallbackServerContext* context,
                                                  const v1::GetStatusRequest*,
                                                  v1::SchedulerStatus* response) {
  const Call call(backend_, Rpc::kGetStatus, context);
  response->set_version(kVersion);
  response->set_commit(kCommit);
  response->mutable_started_at()->set_seconds(backend_.facts.started_unix_ns / 1'000'000'000);
  response->set_http_address(backend_.facts.http_address);
  response->set_revision(backend_.store.revision());
  for (const auto& [engine_and_state, jobs] : backend_.store.counts()) {
    (*response->mutable_jobs_by_state())[state_name(engine_and_state.second)] += jobs;
  }
  for (const auto& [name, folder] : backend_.roots.table()) {
    (*response->mutable_roots())[name] = folder;
  }
  return call.finish(absl::OkStatus());
}

}  // namespace unfold::server
