#include "server/rpc/wait_call.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "server/rpc/call.h"
#include "server/rpc/find_job.h"
#include "server/rpc/status.h"

namespace unfold::server {
namespace {

constexpr Duration kDefaultTimeout = std::chrono::seconds(60);
constexpr Duration kLongestTimeout = std::chrono::hours(1);

Duration timeout_of(const v1::WaitRequest& request) {
  if (!request.has_timeout()) return kDefaultTimeout;
  // Limited before it is counted in ns, which a protobuf duration may exceed.
  constexpr auto kMostSeconds = std::chrono::duration_cast<std::chrono::seconds>(kLongestTimeout);
  const std::chrono::seconds whole(
      std::clamp<std::int64_t>(request.timeout().seconds(), 0, kMostSeconds.count()));
  return std::min(whole + Duration(std::max(request.timeout().nanos(), 0)), kLongestTimeout);
}

// Finished by whichever comes first: the final state, the timeout, or the caller's going away.
// Keeps itself alive until gRPC is done with it and no callback can reach it.
class WaitCall final : public grpc::ServerUnaryReactor,
                       public JobFeed::Subscriber,
                       public std::enable_shared_from_this<WaitCall> {
 public:
  WaitCall(const Backend& backend, grpc::CallbackServerContext* context,
           const v1::WaitRequest& request, v1::Job* response)
      : backend_(backend),
        context_(context),
        id_(request.id()),
        timeout_(timeout_of(request)),
        response_(response),
        began_(backend.clock.now()) {}

  void start() {
    self_ = shared_from_this();
    // Subscribed before looking, so that no change falls between the two.
    backend_.feed.subscribe(self_, {.job_id = id_, .exposure = {}});
    const auto job = backend_.store.get(id_);
    if (!job.ok() || is_final(job->state())) {
      finish(job);
    } else if (timeout_ == Duration::zero()) {
      answer_as_it_is();
    } else {
      set_alarm();
    }
  }

  void offer(const JobPtr& job) override {
    if (is_final(job->state())) finish(*job);
  }
  void tick(std::int64_t, Time) override {}
  void OnCancel() override { finish(absl::CancelledError("the caller went away")); }
  void OnDone() override {
    backend_.feed.unsubscribe(this);
    {
      const std::lock_guard lock(mutex_);
      alarm_.Cancel();
    }
    self_.reset();
  }

 private:
  void set_alarm() {
    const auto at = std::chrono::system_clock::now() +
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(timeout_);
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    alarm_.Set(at, [self = shared_from_this()](bool expired) {
      if (expired) self->answer_as_it_is();
    });
  }

  void answer_as_it_is() {
    find_job(backend_, id_, [self = shared_from_this()](absl::StatusOr<v1::Job> job) {
      self->finish(std::move(job));
    });
  }

  void finish(absl::StatusOr<v1::Job> job) {
    {
      const std::lock_guard lock(mutex_);
      if (finished_) return;
      finished_ = true;
    }
    if (job.ok()) *response_ = *std::move(job);
    record_call(backend_, Rpc::kWait, began_, job.status());
    Finish(to_grpc(job.status(), *context_));
  }

  const Backend& backend_;
  grpc::CallbackServerContext* const context_;
  const std::string id_;
  const Duration timeout_;
  v1::Job* const response_;
  const Time began_;
  grpc::Alarm alarm_;
  std::shared_ptr<WaitCall> self_;
  std::mutex mutex_;
  bool finished_ = false;  // guarded by mutex_
};

}  // namespace

grpc::ServerUnaryReactor* wait(const Backend& backend, grpc::CallbackServerContext* context,
                               const v1::WaitRequest& request, v1::Job* response) {
  const auto call = std::make_shared<WaitCall>(backend, context, request, response);
  call->start();
  return call.get();
}

}  // namespace unfold::server
