#include "server/rpc/api_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/exposure_service.h"
#include "server/rpc/job_service.h"
#include "server/rpc/listen_address.h"
#include "server/rpc/response_service.h"
#include "server/rpc/rpcs.h"

namespace unfold::server {
namespace {

constexpr int kMostMessageBytes = 8 << 20;

// Keepalive finds peers that are gone; what a frozen peer holds is the leases' business.
void set_channel_options(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.SetMaxSendMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2);
}

// The socket is made while only its owner may connect: it carries no other access control.
std::unique_ptr<grpc::Server> build(grpc::ServerBuilder& builder) {
  const mode_t before = umask(0077);
  auto server = builder.BuildAndStart();
  umask(before);
  return server;
}

absl::Status busy(const ListenAddress& address) {
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "PORT_BUSY",
                .field = "listen",
                .what = absl::StrCat("cannot listen on ", address.text),
                .why = "the address is in use, or not this machine's",
                .remedy = "give another with --listen"});
}

}  // namespace

struct ApiServer::Impl {
  Impl(const Backend& backend, WorkerSessions& sessions_in)
      : sessions(sessions_in),
        jobs(backend),
        exposures(backend),
        responses(backend),
        admin(backend),
        workers(backend, sessions_in) {}

  WorkerSessions& sessions;
  JobService jobs;
  ExposureService exposures;
  ResponseService responses;
  AdminService admin;
  WorkerService workers;
  std::string address;
  std::unique_ptr<grpc::Server> server;  // last: stops before the services go
};

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::start(const Options& options,
                                                            const Backend& backend,
                                                            WorkerSessions& sessions) {
  UNFOLD_ASSIGN_OR_RETURN(const ListenAddress address, parse_listen_address(options.listen));
  UNFOLD_RETURN_IF_ERROR(check_exposure(address, options.insecure));
  UNFOLD_RETURN_IF_ERROR(prepare_socket(address));

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto impl = std::make_unique<Impl>(backend, sessions);
  grpc::ServerBuilder builder;
  set_channel_options(builder);
  int port = 0;
  builder.AddListeningPort(address.text, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &impl->jobs, &impl->exposures, &impl->responses, &impl->admin, &impl->workers}) {
    builder.RegisterService(service);
  }
  impl->server = build(builder);
  if (impl->server == nullptr || port == 0) return busy(address);
  impl->address = address.unix_path.empty() ? absl::StrCat(address.host, ":", port) : address.text;
  for (const metrics::RpcName& rpc : rpc_names()) {
    impl->server->GetHealthCheckService()->SetServingStatus(rpc.service, true);
  }
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() { stop(Duration::zero()); }

std::string ApiServer::address() const { return impl_->address; }

void ApiServer::stop(Duration grace) {
  if (impl_->server == nullptr) return;
  impl_->server->GetHealthCheckService()->SetServingStatus(false);
  impl_->sessions.close_all("the scheduler is stopping");
  impl_->server->Shutdown(std::chrono::system_clock::now() +
                          std::chrono::duration_cast<std::chrono::system_clock::duration>(grace));
  impl_->server->Wait();
  impl_->server = nullptr;
}

}  // namespace unfold::server
