#include "server/rpc/worker_sessions.h"

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "server/rpc/call.h"
#include "server/rpc/status.h"

namespace unfold::server {

namespace {

// A worker takes its messages at once or is stuck; this many is minutes of a busy session.
constexpr std::size_t kMostQueued = 4096;
// So many messages of one session are taken ahead of the core; what follows waits in the worker.
constexpr int kReadAhead = 256;

absl::Status ended(std::string what, std::string why, std::string remedy) {
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "SESSION_ENDED",
                .field = "",
                .what = std::move(what),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

}  // namespace

/// One worker's stream: reads go straight to the core, writes wait in a queue, one in flight.
class WorkerSession final : public grpc::ServerBidiReactor<v1::WorkerMessage, v1::SchedulerMessage>,
                            public std::enable_shared_from_this<WorkerSession> {
 public:
  WorkerSession(const Backend& backend, WorkerSessions& sessions, SessionId id,
                grpc::CallbackServerContext* context)
      : backend_(backend),
        sessions_(sessions),
        id_(id),
        context_(context),
        began_(backend.clock.now()) {}

  void start() {
    self_ = shared_from_this();
    sessions_.add(id_, self_);
    StartRead(&incoming_);
  }

  void send(v1::SchedulerMessage message) {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    if (queue_.size() >= kMostQueued) {
      end_locked(ended("the session was closed", "the worker does not take its messages",
                       "the worker connects again by itself"));
      return;
    }
    queue_.push_back(std::move(message));
    write_next();
  }

  void end(absl::Status why) {
    const std::lock_guard lock(mutex_);
    end_locked(std::move(why));
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      end(absl::OkStatus());
      return;
    }
    backend_.loop.post(SessionMessage{.session = id_, .message = std::move(incoming_)});
    incoming_.Clear();
    if (++taken_ % kReadAhead != 0) {
      read_next();
    } else {
      backend_.loop.post_read(
          [self = shared_from_this()](const Core&, Time) { self->read_next(); });
    }
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) end_locked(absl::CancelledError("the worker went away"));
    if (ended_) {
      finish_once();
    } else {
      write_next();
    }
  }

  void OnCancel() override { end(absl::CancelledError("the worker went away")); }

  void OnDone() override {
    sessions_.remove(id_);
    backend_.loop.post(SessionClosed{.session = id_});
    self_.reset();
  }

 private:
  void read_next() {
    const std::lock_guard lock(mutex_);
    if (!ended_) StartRead(&incoming_);
  }

  void write_next() {
    if (writing_ || queue_.empty()) return;
    outgoing_ = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    StartWrite(&outgoing_);
  }

  // gRPC allows Finish only with no write in flight; a peer that takes none is cut off.
  void end_locked(absl::Status why) {
    if (!ended_) ended_ = std::move(why);
    queue_.clear();
    if (writing_) {
      context_->TryCancel();
    } else {
      finish_once();
    }
  }

  void finish_once() {
    if (std::exchange(finished_, true)) return;
    record_call(backend_, Rpc::kSession, began_, *ended_);
    Finish(to_grpc(*ended_, *context_));
  }

  const Backend& backend_;
  WorkerSessions& sessions_;
  const SessionId id_;
  grpc::CallbackServerContext* const context_;
  const Time began_;
  std::shared_ptr<WorkerSession> self_;
  v1::WorkerMessage incoming_;  // this and taken_: of whoever reads
  int taken_ = 0;

  std::mutex mutex_;
  std::deque<v1::SchedulerMessage> queue_;  // guarded by mutex_, like all below
  v1::SchedulerMessage outgoing_;
  bool writing_ = false;
  bool finished_ = false;
  std::optional<absl::Status> ended_;
};

void WorkerSessions::add(SessionId id, std::shared_ptr<WorkerSession> session) {
  const std::lock_guard lock(mutex_);
  open_[id] = std::move(session);
}

void WorkerSessions::remove(SessionId id) {
  const std::lock_guard lock(mutex_);
  open_.erase(id);
}

SessionId WorkerSessions::next_id() {
  const std::lock_guard lock(mutex_);
  return ++last_;
}

std::shared_ptr<WorkerSession> WorkerSessions::find(SessionId id) {
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(id);
  return it == open_.end() ? nullptr : it->second;
}

void WorkerSessions::send(Send send) {
  if (const auto session = find(send.session)) session->send(std::move(send.message));
}

void WorkerSessions::close(const CloseSession& close) {
  if (const auto session = find(close.session)) {
    session->end(ended("the session was closed by the scheduler", close.why,
                       "the worker connects again unless another took its name"));
  }
}

void WorkerSessions::close_all(const std::string& why) {
  std::vector<std::shared_ptr<WorkerSession>> sessions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : open_) sessions.push_back(session);
  }
  for (const auto& session : sessions) {
    session->end(ended("the session was closed", why, "the worker connects again by itself"));
  }
}

grpc::ServerBidiReactor<v1::WorkerMessage, v1::SchedulerMessage>* WorkerService::Session(
    grpc::CallbackServerContext* context) {
  const auto session =
      std::make_shared<WorkerSession>(backend_, sessions_, sessions_.next_id(), context);
  session->start();
  return session.get();
}

}  // namespace unfold::server
