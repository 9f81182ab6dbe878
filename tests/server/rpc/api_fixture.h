#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/log/logger.h"
#include "server/daemon.h"
#include "unfold/v1/admin_service.grpc.pb.h"
#include "unfold/v1/exposure_service.grpc.pb.h"
#include "unfold/v1/job_service.grpc.pb.h"
#include "unfold/v1/response_service.grpc.pb.h"
#include "unfold/v1/worker_service.grpc.pb.h"

namespace unfold::server {

/// A call's context with a bound that only a hung service reaches.
inline std::unique_ptr<grpc::ClientContext> bounded() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  return context;
}

/// The status of a call with what its trailer says.
inline absl::Status status_of(const grpc::Status& status, const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto detail = trailers.find("unfold-error-bin");
  return status_from_wire(
      static_cast<absl::StatusCode>(status.error_code()), status.error_message(),
      detail == trailers.end() ? std::string()
                               : std::string(detail->second.data(), detail->second.size()));
}

/// Calls one unary method of a stub: `call(&JobService::Stub::Get, stub, request)`.
template <class Stub, class Request, class Response>
absl::StatusOr<Response> call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              Stub& stub, const Request& request) {
  const auto context = bounded();
  Response response;
  const grpc::Status status = (stub.*method)(context.get(), request, &response);
  if (!status.ok()) return status_of(status, *context);
  return response;
}

/// The whole scheduler in this process, on a Unix socket in a folder of its own.
class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    std::filesystem::create_directories(folder_ / "out");
    start();
  }
  ~ApiTest() override {
    daemon_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    Options options;
    options.dir = (folder_ / "state").string();
    options.listen = "unix:" + (folder_ / "api.sock").string();
    options.http_port = 0;
    options.roots = {"out=" + (folder_ / "out").string()};
    options.enable_probe_engine = true;
    options.helper_program = std::string(UNFOLD_BIN_DIR) + "/unfold-scheduler";
    auto daemon = Daemon::start(options, log_, clock_);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = *std::move(daemon);
    channel_ = grpc::CreateChannel(daemon_->api_address(), grpc::InsecureChannelCredentials());
    jobs_ = v1::JobService::NewStub(channel_);
    admin_ = v1::AdminService::NewStub(channel_);
    responses_ = v1::ResponseService::NewStub(channel_);
    workers_ = v1::WorkerService::NewStub(channel_);
    exposures_ = v1::ExposureService::NewStub(channel_);
  }
  void restart() {
    daemon_.reset();
    start();
  }

  static v1::SubmitRequest probe(const std::string& request_id = "") {
    v1::SubmitRequest request;
    request.mutable_spec()->mutable_probe();
    request.set_request_id(request_id);
    return request;
  }
  absl::StatusOr<v1::Job> submit(const v1::SubmitRequest& request) {
    auto response = call(&v1::JobService::Stub::Submit, *jobs_, request);
    if (!response.ok()) return response.status();
    return response->job();
  }
  absl::StatusOr<v1::Job> get(const std::string& id) {
    v1::GetJobRequest request;
    request.set_id(id);
    return call(&v1::JobService::Stub::Get, *jobs_, request);
  }
  absl::StatusOr<v1::Job> cancel(const std::string& id) {
    v1::CancelRequest request;
    request.set_id(id);
    return call(&v1::JobService::Stub::Cancel, *jobs_, request);
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      ("api-" + std::to_string(getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
  const SystemClock clock_;
  const log::Logger log_{log::Level::kError, log::Format::kJson, clock_};
  std::unique_ptr<Daemon> daemon_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<v1::ResponseService::Stub> responses_;
  std::unique_ptr<v1::WorkerService::Stub> workers_;
  std::unique_ptr<v1::ExposureService::Stub> exposures_;
};

/// A worker that says only what a test tells it to.
class FakeWorker {
 public:
  FakeWorker(v1::WorkerService::Stub& stub, const std::string& name)
      : context_(bounded()), stream_(stub.Session(context_.get())) {
    v1::WorkerMessage message;
    v1::Hello& hello = *message.mutable_hello();
    hello.set_worker(name);
    hello.set_incarnation(name + "-1");
    hello.set_host("test");
    hello.set_device("cpu");
    hello.add_engines("probe");
    hello.set_slots(1);
    stream_->Write(message);
  }
  ~FakeWorker() { context_->TryCancel(); }

  /// The next message of the kind that `wanted` accepts; an unset one when the session ends.
  template <class Wanted>
  v1::SchedulerMessage next(Wanted wanted) {
    v1::SchedulerMessage message;
    while (stream_->Read(&message)) {
      if (wanted(message)) return message;
    }
    return {};
  }
  v1::Assign next_assign() {
    return next([](const auto& message) { return message.has_assign(); }).assign();
  }
  void heartbeat(std::int64_t sequence) {
    v1::WorkerMessage message;
    message.mutable_heartbeat()->set_sequence(sequence);
    stream_->Write(message);
  }
  void start(const v1::Assign& assign) {
    v1::WorkerMessage message;
    message.mutable_started()->set_lease_id(assign.lease_id());
    message.mutable_started()->set_fence(assign.fence());
    stream_->Write(message);
  }
  void finish(const v1::Assign& assign) {
    v1::WorkerMessage message;
    v1::Finished& finished = *message.mutable_finished();
    finished.set_lease_id(assign.lease_id());
    finished.set_job_id(assign.job_id());
    finished.set_fence(assign.fence());
    finished.set_succeeded(true);
    stream_->Write(message);
  }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerMessage, v1::SchedulerMessage>> stream_;
};

}  // namespace unfold::server
