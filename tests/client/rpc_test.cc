#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>

#include "client/rpc/client.h"
#include "common/base/error.h"
#include "unfold/v1/job_service.grpc.pb.h"

namespace unfold::client {
namespace {

// Answers as each test asks it to, on a socket of its own.
class FakeJobs final : public v1::JobService::Service {
 public:
  grpc::Status Get(grpc::ServerContext* context, const v1::GetJobRequest* request,
                   v1::Job* job) override {
    const auto user = context->client_metadata().find("unfold-user");
    const std::lock_guard lock(mutex);
    ++calls;
    if (user != context->client_metadata().end()) {
      last_user.assign(user->second.data(), user->second.size());
    }
    if (unavailable_calls-- > 0) return {grpc::StatusCode::UNAVAILABLE, "not yet"};
    if (request->id() == "missing") return refuse(*context);
    job->set_id(request->id());
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest*,
                     grpc::ServerWriter<v1::WatchEvent>* writer) override {
    v1::WatchEvent event;
    for (int revision = 1; revision <= 3; ++revision) {
      event.set_revision(revision);
      writer->Write(event);
    }
    return grpc::Status::OK;
  }

  std::mutex mutex;
  int calls = 0;
  int unavailable_calls = 0;
  std::string last_user;

 private:
  static grpc::Status refuse(grpc::ServerContext& context) {
    const absl::Status problem = error({.code = absl::StatusCode::kNotFound,
                                        .reason = "NO_SUCH_JOB",
                                        .field = "id",
                                        .what = "no such job",
                                        .why = "",
                                        .remedy = ""});
    context.AddTrailingMetadata("unfold-error-bin", error_detail_bytes(problem));
    return {grpc::StatusCode::NOT_FOUND, std::string(problem.message())};
  }
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    static std::atomic<int> next = 0;
    socket_ = testing::TempDir() + "unfold-rpc-" + std::to_string(getpid()) + "-" +
              std::to_string(next++) + ".sock";
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
    builder.RegisterService(&jobs_);
    server_ = builder.BuildAndStart();
  }
  ~ClientTest() override { server_->Shutdown(); }

  ClientOptions options() const {
    ClientOptions options;
    options.server = "unix:" + socket_;
    options.user = "ada";
    return options;
  }

  std::string socket_;
  FakeJobs jobs_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ClientTest, RestoresTheServersErrorWithReasonAndField) {
  Client client(options());
  const absl::Status status = client.get_job("missing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such job");
  EXPECT_EQ(reason_of(status), "NO_SUCH_JOB");
  EXPECT_EQ(field_of(status), "id");
}

TEST_F(ClientTest, SaysWhoCalls) {
  Client client(options());
  ASSERT_TRUE(client.get_job("a").ok());
  const std::lock_guard lock(jobs_.mutex);
  EXPECT_EQ(jobs_.last_user, "ada");
}

TEST_F(ClientTest, RepeatsACallWhileTheServerIsUnavailable) {
  jobs_.unavailable_calls = 3;
  Client client(options());
  EXPECT_TRUE(client.get_job("a").ok());
  const std::lock_guard lock(jobs_.mutex);
  EXPECT_EQ(jobs_.calls, 4);
}

TEST_F(ClientTest, DoesNotRepeatAnAnswer) {
  Client client(options());
  EXPECT_FALSE(client.get_job("missing").ok());
  const std::lock_guard lock(jobs_.mutex);
  EXPECT_EQ(jobs_.calls, 1);
}

TEST_F(ClientTest, AWatcherSeesEventsUntilItHasEnough) {
  Client client(options());
  std::vector<std::int64_t> seen;
  const auto until = std::chrono::system_clock::now() + std::chrono::minutes(1);
  const absl::Status status = client.watch({}, until, [&](const v1::WatchEvent& event) {
    seen.push_back(event.revision());
    return seen.size() < 2;
  });
  EXPECT_TRUE(status.ok());
  EXPECT_THAT(seen, testing::ElementsAre(1, 2));
}

TEST_F(ClientTest, AStreamThatTheServerEndsIsUnavailable) {
  Client client(options());
  const auto until = std::chrono::system_clock::now() + std::chrono::minutes(1);
  const absl::Status status = client.watch({}, until, [](const v1::WatchEvent&) { return true; });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

TEST(ClientWithoutServer, NamesTheAddressAndTheRemedy) {
  ClientOptions options;
  options.server = "unix:/nonexistent/unfold.sock";
  Client client(options);
  const absl::Status status = client.get_job("a").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(),
            "no scheduler answers at unix:/nonexistent/unfold.sock (No such file or directory) "
            "[start one with `unfold up`, or name another with --server]");
}

TEST(DefaultServer, IsTheVariableThenTheRuntimeFolderThenTmp) {
  setenv("UNFOLD_SERVER", "127.0.0.1:7070", 1);
  EXPECT_EQ(default_server(), "127.0.0.1:7070");
  unsetenv("UNFOLD_SERVER");
  setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  EXPECT_EQ(default_server(), "unix:/run/user/7/unfold.sock");
  unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(default_server(), "unix:/tmp/unfold-" + std::to_string(getuid()) + "/unfold.sock");
}

}  // namespace
}  // namespace unfold::client
