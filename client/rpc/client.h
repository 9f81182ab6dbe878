#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "unfold/v1/admin_service.pb.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/job_service.pb.h"
#include "unfold/v1/response_service.pb.h"

namespace unfold::client {

/// UNFOLD_SERVER if set, else the socket that `unfold up` of this user listens on:
/// "unix:${XDG_RUNTIME_DIR:-/tmp/unfold-$UID}/unfold.sock".
std::string default_server();

/// The login name of this process's user, else its number.
std::string current_user();

struct ClientOptions {
  std::string server = default_server();  ///< gRPC target: "unix:PATH" or "HOST:PORT"
  std::string user = current_user();      ///< sent as metadata `unfold-user`
  std::chrono::milliseconds deadline{10'000};
  /// Of submissions: the server reads the inputs through before it answers.
  std::chrono::milliseconds submit_deadline{120'000};
};

/// One connection to a scheduler and its calls. Every call has a deadline and is repeated up to
/// three times while the server is unreachable, so a mutation should carry a request_id. Errors
/// keep the server's code, message, reason and field (common/base/error.h); no answer within the
/// deadline is DEADLINE_EXCEEDED, no server UNAVAILABLE. Connects at the first call. Thread safe.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& server() const;

  absl::StatusOr<v1::SubmitResponse> submit(const v1::SubmitRequest& request);
  absl::StatusOr<v1::BatchSubmitResponse> batch_submit(const v1::BatchSubmitRequest& request);
  absl::StatusOr<v1::Job> get_job(const std::string& id);
  absl::StatusOr<v1::ListJobsResponse> list_jobs(const v1::ListJobsRequest& request);
  absl::StatusOr<v1::Job> cancel(const v1::CancelRequest& request);
  absl::StatusOr<v1::Job> retry(const v1::RetryRequest& request);
  absl::StatusOr<v1::ExplainResponse> explain(const std::string& id);
  absl::StatusOr<v1::LogsResponse> logs(const v1::LogsRequest& request);

  absl::StatusOr<v1::Exposure> submit_exposure(const v1::SubmitExposureRequest& request);
  absl::StatusOr<v1::Exposure> get_exposure(const std::string& id);

  absl::StatusOr<v1::ListResponsesResponse> list_responses();
  absl::StatusOr<v1::PreloadResponse> preload(const v1::PreloadRequest& request);
  absl::StatusOr<v1::EvictResponse> evict(const v1::EvictRequest& request);

  absl::StatusOr<v1::ListWorkersResponse> list_workers();
  absl::StatusOr<v1::Worker> drain(const v1::DrainRequest& request);
  absl::StatusOr<v1::SchedulerStatus> status();

  /// Calls `on_event` in this thread for each event until it answers false (then OK), the stream
  /// breaks (its error; a clean end is UNAVAILABLE), or `until` passes (DEADLINE_EXCEEDED).
  absl::Status watch(const v1::WatchRequest& request, std::chrono::system_clock::time_point until,
                     const std::function<bool(const v1::WatchEvent&)>& on_event);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace unfold::client
