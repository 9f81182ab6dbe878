#include "workers/agent/grpc_transport.h"

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <utility>

#include "common/base/mutex.h"
#include "unfold/v1/worker_service.grpc.pb.h"

namespace unfold::agent {
namespace {

constexpr int kMaxMessageBytes = 8 << 20;

/// One call; silent after forget(). Its owner keeps it until wait_until_done() has returned and is
/// the one who destroys it: a thread of gRPC that destroyed it could still be at it when the
/// channel, or the process, is gone.
class Session final : public grpc::ClientBidiReactor<v1::WorkerMessage, v1::SchedulerMessage> {
 public:
  static std::unique_ptr<Session> open(v1::WorkerService::Stub& stub, std::int64_t number,
                                       Transport::Events events) {
    auto session = std::unique_ptr<Session>(new Session(number, std::move(events)));
    stub.async()->Session(&session->context_, session.get());
    // Writes are started from outside of reactions; the hold keeps the call open for them.
    session->AddHold();
    session->StartRead(&session->incoming_);
    session->StartCall();
    return session;
  }

  void send(const v1::WorkerMessage& message) {
    const MutexLock lock(mutex_);
    if (over_) return;
    outgoing_.push_back(message);
    if (outgoing_.size() == 1) StartWrite(&outgoing_.front());
  }

  void forget() {
    {
      const MutexLock lock(mutex_);
      forgotten_ = true;
    }
    context_.TryCancel();
    release_hold();
  }

  /// Returns when gRPC is done with the call.
  void wait_until_done() {
    const MutexLock lock(mutex_);
    while (!done_) changed_.wait(mutex_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {  // the scheduler hung up
      release_hold();
      return;
    }
    if (!forgotten()) events_.message(number_, incoming_);
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const MutexLock lock(mutex_);
    if (!outgoing_.empty()) outgoing_.pop_front();
    if (!ok || over_) {
      outgoing_.clear();
    } else if (!outgoing_.empty()) {
      StartWrite(&outgoing_.front());
    }
  }

  void OnDone(const grpc::Status& status) override {
    if (!forgotten()) {
      events_.disconnected(
          number_, status.ok() ? "the scheduler closed the session" : status.error_message());
    }
    const MutexLock lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

 private:
  Session(std::int64_t number, Transport::Events events)
      : number_(number), events_(std::move(events)) {}

  bool forgotten() {
    const MutexLock lock(mutex_);
    return forgotten_;
  }

  void release_hold() {
    {
      const MutexLock lock(mutex_);
      if (over_) return;
      over_ = true;
    }
    RemoveHold();
  }

  const std::int64_t number_;
  const Transport::Events events_;
  grpc::ClientContext context_;
  v1::SchedulerMessage incoming_;
  Mutex mutex_;
  Condition changed_;
  std::deque<v1::WorkerMessage> outgoing_ UNFOLD_GUARDED_BY(mutex_);
  bool over_ UNFOLD_GUARDED_BY(mutex_) = false;
  bool forgotten_ UNFOLD_GUARDED_BY(mutex_) = false;
  bool done_ UNFOLD_GUARDED_BY(mutex_) = false;
};

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(const std::string& address, Events events)
      : events_(std::move(events)), stub_(v1::WorkerService::NewStub(make_channel(address))) {}

  ~GrpcTransport() override { drop(); }

  void connect(std::int64_t session) override {
    drop();
    session_ = Session::open(*stub_, session, events_);
  }

  void send(const v1::WorkerMessage& message) override {
    if (session_ != nullptr) session_->send(message);
  }

 private:
  static std::shared_ptr<grpc::Channel> make_channel(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    // The core has its own back-off; the channel's must not outlast it.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    arguments.SetMaxSendMessageSize(kMaxMessageBytes);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }

  void drop() {
    if (session_ == nullptr) return;
    session_->forget();
    session_->wait_until_done();
    session_.reset();
  }

  const Events events_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::unique_ptr<Session> session_;  // used by the agent's one thread only
};

}  // namespace

TransportFactory grpc_transport(const std::string& address) {
  return [address](Transport::Events events) -> std::unique_ptr<Transport> {
    return std::make_unique<GrpcTransport>(address, std::move(events));
  };
}

}  // namespace unfold::agent
