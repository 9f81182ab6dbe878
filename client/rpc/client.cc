#include "client/rpc/client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "unfold/v1/admin_service.grpc.pb.h"
#include "unfold/v1/exposure_service.grpc.pb.h"
#include "unfold/v1/job_service.grpc.pb.h"
#include "unfold/v1/response_service.grpc.pb.h"

namespace unfold::client {
namespace {

constexpr int kMaxMessageBytes = 8 << 20;

// Watch is left out: a stream that broke is followed up by whoever knows what was seen of it.
constexpr char kServiceConfig[] = R"({"methodConfig": [{
  "name": [{"service": "unfold.v1.JobService"}, {"service": "unfold.v1.ExposureService"},
           {"service": "unfold.v1.ResponseService"}, {"service": "unfold.v1.AdminService"}],
  "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "2s",
                  "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}},
  {"name": [{"service": "unfold.v1.JobService", "method": "Watch"}]}]})";

std::shared_ptr<grpc::Channel> open_channel(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Each client its own connection: a load generator's clients must not share one.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A scheduler that restarts is back within two seconds; gRPC's own back-off grows to minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetServiceConfigJSON(kServiceConfig);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

// gRPC's own words for "nobody listens there" are long, with the cause at their end, and name no
// remedy.
absl::Status unreachable(const std::string& server, const std::string& words) {
  const std::size_t colon = words.rfind(": ");
  const std::string why = colon == std::string::npos ? words : words.substr(colon + 2);
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "SERVER_UNREACHABLE",
                .field = "",
                .what = absl::StrCat("no scheduler answers at ", server),
                .why = why,
                .remedy = "start one with `unfold up`, or name another with --server"});
}

absl::Status no_answer(const std::string& server) {
  return error({.code = absl::StatusCode::kDeadlineExceeded,
                .reason = "NO_ANSWER",
                .field = "",
                .what = absl::StrCat("the scheduler at ", server, " did not answer in time"),
                .why = "",
                .remedy = "see its log, or try again"});
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions given)
      : options(std::move(given)),
        channel(open_channel(options.server)),
        jobs(channel),
        exposures(channel),
        responses(channel),
        admin(channel) {}

  void prepare(grpc::ClientContext& context) const {
    context.AddMetadata("unfold-user", options.user);
  }

  absl::Status to_absl(const grpc::Status& status, const grpc::ClientContext& context) const {
    if (status.ok()) return absl::OkStatus();
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto detail = trailers.find("unfold-error-bin");
    if (detail != trailers.end()) {
      return status_from_wire(static_cast<absl::StatusCode>(status.error_code()),
                              status.error_message(),
                              {detail->second.data(), detail->second.size()});
    }
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      return unreachable(options.server, status.error_message());
    }
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      return no_answer(options.server);
    }
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }

  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, std::chrono::milliseconds limit) const {
    grpc::ClientContext context;
    prepare(context);
    context.set_deadline(std::chrono::system_clock::now() + limit);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (absl::Status problem = to_absl(status, context); !problem.ok()) return problem;
    return response;
  }
  template <class Stub, class Request, class Response>
  absl::StatusOr<Response> call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    return call(stub, method, request, options.deadline);
  }

  const ClientOptions options;
  const std::shared_ptr<grpc::Channel> channel;
  v1::JobService::Stub jobs;
  v1::ExposureService::Stub exposures;
  v1::ResponseService::Stub responses;
  v1::AdminService::Stub admin;
};

using Jobs = v1::JobService::Stub;
using Exposures = v1::ExposureService::Stub;
using Responses = v1::ResponseService::Stub;
using Admin = v1::AdminService::Stub;

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

const std::string& Client::server() const { return impl_->options.server; }

absl::StatusOr<v1::SubmitResponse> Client::submit(const v1::SubmitRequest& request) {
  return impl_->call(impl_->jobs, &Jobs::Submit, request, impl_->options.submit_deadline);
}
absl::StatusOr<v1::BatchSubmitResponse> Client::batch_submit(
    const v1::BatchSubmitRequest& request) {
  return impl_->call(impl_->jobs, &Jobs::BatchSubmit, request, impl_->options.submit_deadline);
}
absl::StatusOr<v1::Job> Client::get_job(const std::string& id) {
  v1::GetJobRequest request;
  request.set_id(id);
  return impl_->call(impl_->jobs, &Jobs::Get, request);
}
absl::StatusOr<v1::ListJobsResponse> Client::list_jobs(const v1::ListJobsRequest& request) {
  return impl_->call(impl_->jobs, &Jobs::List, request);
}
absl::StatusOr<v1::Job> Client::cancel(const v1::CancelRequest& request) {
  return impl_->call(impl_->jobs, &Jobs::Cancel, request);
}
absl::StatusOr<v1::Job> Client::retry(const v1::RetryRequest& request) {
  return impl_->call(impl_->jobs, &Jobs::Retry, request);
}
absl::StatusOr<v1::ExplainResponse> Client::explain(const std::string& id) {
  v1::ExplainRequest request;
  request.set_id(id);
  return impl_->call(impl_->jobs, &Jobs::Explain, request);
}
absl::StatusOr<v1::LogsResponse> Client::logs(const v1::LogsRequest& request) {
  return impl_->call(impl_->jobs, &Jobs::Logs, request);
}

absl::StatusOr<v1::Exposure> Client::submit_exposure(const v1::SubmitExposureRequest& request) {
  return impl_->call(impl_->exposures, &Exposures::SubmitExposure, request,
                     impl_->options.submit_deadline);
}
absl::StatusOr<v1::Exposure> Client::get_exposure(const std::string& id) {
  v1::GetExposureRequest request;
  request.set_id(id);
  return impl_->call(impl_->exposures, &Exposures::GetExposure, request);
}

absl::StatusOr<v1::ListResponsesResponse> Client::list_responses() {
  return impl_->call(impl_->responses, &Responses::ListResponses, v1::ListResponsesRequest());
}
absl::StatusOr<v1::PreloadResponse> Client::preload(const v1::PreloadRequest& request) {
  return impl_->call(impl_->responses, &Responses::Preload, request,
                     impl_->options.submit_deadline);
}
absl::StatusOr<v1::EvictResponse> Client::evict(const v1::EvictRequest& request) {
  return impl_->call(impl_->responses, &Responses::Evict, request);
}

absl::StatusOr<v1::ListWorkersResponse> Client::list_workers() {
  return impl_->call(impl_->admin, &Admin::ListWorkers, v1::ListWorkersRequest());
}
absl::StatusOr<v1::Worker> Client::drain(const v1::DrainRequest& request) {
  return impl_->call(impl_->admin, &Admin::Drain, request);
}
absl::StatusOr<v1::SchedulerStatus> Client::status() {
  return impl_->call(impl_->admin, &Admin::GetStatus, v1::GetStatusRequest());
}

absl::Status Client::watch(const v1::WatchRequest& request,
                           std::chrono::system_clock::time_point until,
                           const std::function<bool(const v1::WatchEvent&)>& on_event) {
  grpc::ClientContext context;
  impl_->prepare(context);
  context.set_deadline(until);
  const auto reader = impl_->jobs.Watch(&context, request);
  v1::WatchEvent event;
  while (reader->Read(&event)) {
    if (on_event(event)) continue;
    context.TryCancel();
    while (reader->Read(&event)) {
    }
    reader->Finish();
    return absl::OkStatus();
  }
  const grpc::Status status = reader->Finish();
  if (status.ok()) return unreachable(impl_->options.server, "the stream ended");
  return impl_->to_absl(status, context);
}

}  // namespace unfold::client
