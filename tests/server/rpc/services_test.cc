#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <fstream>

#include "tests/server/rpc/api_fixture.h"

namespace unfold::server {
namespace {

using Services = ApiTest;

TEST_F(Services, StatusTellsVersionRootsAndCounts) {
  ASSERT_TRUE(submit(probe()).ok());
  const auto status = call(&v1::AdminService::Stub::GetStatus, *admin_, v1::GetStatusRequest());
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_FALSE(status->version().empty());
  EXPECT_EQ(status->jobs_by_state().at("QUEUED"), 1);
  EXPECT_EQ(status->roots().count("out"), 1U);
  EXPECT_EQ(status->http_address(), daemon_->http_address());
}

TEST_F(Services, AConnectedWorkerIsListedAndCanBeDrained) {
  FakeWorker worker(*workers_, "w0");
  worker.next([](const auto& message) { return message.has_welcome(); });
  const auto listed = call(&v1::AdminService::Stub::ListWorkers, *admin_, v1::ListWorkersRequest());
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->workers_size(), 1);
  EXPECT_EQ(listed->workers(0).name(), "w0");

  v1::DrainRequest drain;
  drain.set_worker("w0");
  EXPECT_EQ(call(&v1::AdminService::Stub::Drain, *admin_, drain)->state(),
            v1::WORKER_STATE_DRAINING);
  EXPECT_TRUE(worker.next([](const auto& message) { return message.has_drain(); }).has_drain());
}

TEST_F(Services, DrainingAWorkerThatIsNotThereIsNotFound) {
  v1::DrainRequest drain;
  drain.set_worker("nobody");
  EXPECT_EQ(call(&v1::AdminService::Stub::Drain, *admin_, drain).status().code(),
            absl::StatusCode::kNotFound);
  drain.set_validate_only(true);
  EXPECT_EQ(call(&v1::AdminService::Stub::Drain, *admin_, drain).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(Services, ASecondIncarnationOfAWorkerEndsTheFirstSession) {
  FakeWorker first(*workers_, "w0");
  first.next([](const auto& message) { return message.has_welcome(); });
  FakeWorker second(*workers_, "w0");
  second.next([](const auto& message) { return message.has_welcome(); });
  const auto after = first.next([](const auto& message) { return !message.has_heartbeat_ack(); });
  EXPECT_EQ(after.message_case(), v1::SchedulerMessage::MESSAGE_NOT_SET) << "its stream ended";
}

TEST_F(Services, PreloadAsksAWorkerAndEvictAsksItsHolders) {
  FakeWorker worker(*workers_, "w0");
  worker.next([](const auto& message) { return message.has_welcome(); });
  v1::PreloadRequest preload;
  preload.mutable_spec()->mutable_probe()->set_response("psf");
  preload.mutable_spec()->mutable_probe()->set_response_bytes(10);
  const auto asked = call(&v1::ResponseService::Stub::Preload, *responses_, preload);
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->worker(), "w0");
  EXPECT_EQ(asked->key(), "psf");
  EXPECT_TRUE(worker.next([](const auto& message) { return message.has_preload(); }).has_preload());

  v1::EvictRequest evict;
  EXPECT_EQ(call(&v1::ResponseService::Stub::Evict, *responses_, evict).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(Services, PreloadTakesTheDescriptionOfAJobThatIsDone) {
  FakeWorker worker(*workers_, "w0");
  worker.next([](const auto& message) { return message.has_welcome(); });
  const v1::SubmitRequest request = probe();
  v1::PreloadRequest preload;
  *preload.mutable_spec() = request.spec();
  preload.mutable_spec()->mutable_probe()->set_response("psf");
  preload.mutable_spec()->mutable_probe()->set_output("out:product");
  preload.mutable_spec()->mutable_deadline()->set_seconds(1);
  std::ofstream(folder_ / "out" / "product") << "published";
  const auto asked = call(&v1::ResponseService::Stub::Preload, *responses_, preload);
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->worker(), "w0");
}

TEST_F(Services, AWorkerThatSaysMoreThanIsReadAheadIsAnsweredInFull) {
  FakeWorker worker(*workers_, "w0");
  constexpr std::int64_t kMany = 2000;
  for (std::int64_t i = 1; i <= kMany; ++i) worker.heartbeat(i);
  std::int64_t last = 0;
  worker.next([&](const auto& message) {
    if (!message.has_heartbeat_ack()) return false;
    EXPECT_EQ(message.heartbeat_ack().sequence(), ++last);
    return last == kMany;
  });
  EXPECT_EQ(last, kMany);
}

TEST_F(Services, AnExposureWithoutFilesNamesWhatIsWrong) {
  v1::SubmitExposureRequest request;
  request.set_night(20261120);
  request.set_expid(51060);
  request.set_input_dir("out:nowhere");
  request.set_output_dir("out:");
  const auto refused = call(&v1::ExposureService::Stub::SubmitExposure, *exposures_, request);
  EXPECT_FALSE(refused.ok());
  v1::GetExposureRequest get;
  get.set_id("20261120-00051060");
  EXPECT_EQ(call(&v1::ExposureService::Stub::GetExposure, *exposures_, get).status().code(),
            absl::StatusCode::kNotFound);
}

// Health and reflection are gRPC's own services: asked by name, with their wire format by hand, as
// Debian ships no stubs of them.
absl::StatusOr<std::string> raw_unary(const std::shared_ptr<grpc::Channel>& channel,
                                      const std::string& method, const std::string& request) {
  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto context = bounded();
  const auto reader = stub.PrepareUnaryCall(context.get(), method, sent, &queue);
  grpc::ByteBuffer received;
  grpc::Status status;
  reader->StartCall();
  reader->Finish(&received, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return status_of(status, *context);
  std::vector<grpc::Slice> slices;
  received.Dump(&slices);
  std::string bytes;
  for (const grpc::Slice& part : slices) {
    bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return bytes;
}

TEST_F(Services, HealthAnswersServingForTheWholeAndForEachService) {
  const std::string serving = "\x08\x01";  // status: SERVING
  const std::string name = "unfold.v1.JobService";
  const std::string named = std::string("\x0a") + static_cast<char>(name.size()) + name;
  EXPECT_EQ(*raw_unary(channel_, "/grpc.health.v1.Health/Check", ""), serving);
  EXPECT_EQ(*raw_unary(channel_, "/grpc.health.v1.Health/Check", named), serving);
  EXPECT_EQ(raw_unary(channel_, "/grpc.health.v1.Health/Check", "\x0a\x01x").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace unfold::server
