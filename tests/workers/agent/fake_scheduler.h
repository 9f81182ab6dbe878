#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"
#include "google/protobuf/util/time_util.h"
#include "unfold/v1/worker_service.grpc.pb.h"

namespace unfold::test {

/// The scheduler's end of worker sessions at a Unix socket: welcomes and acknowledges, and leaves
/// the rest to the test. Thread safe.
class FakeScheduler final : public v1::WorkerService::Service {
 public:
  using Message = v1::WorkerMessage;

  FakeScheduler(const std::string& socket, Duration heartbeat, Duration lease)
      : heartbeat_(heartbeat), lease_(lease) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeScheduler() override { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status Session(grpc::ServerContext* context,
                       grpc::ServerReaderWriter<v1::SchedulerMessage, Message>* stream) override {
    {
      const MutexLock lock(mutex_);
      context_ = context;
      stream_ = stream;
    }
    for (Message message; stream->Read(&message);) hear(message);
    const MutexLock lock(mutex_);
    if (stream_ == stream) {  // not followed by another session yet
      stream_ = nullptr;
      context_ = nullptr;
      welcomed_ = false;
      changed_.notify_all();
    }
    return grpc::Status::OK;
  }

  /// To the worker that is, or will within a minute be, welcomed.
  void send(const v1::SchedulerMessage& message) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const MutexLock lock(mutex_);
    while (!welcomed_ && std::chrono::steady_clock::now() < deadline) {
      changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    }
    if (stream_ != nullptr) stream_->Write(message);
  }
  void assign(const v1::Assign& assign) {
    v1::SchedulerMessage message;
    *message.mutable_assign() = assign;
    send(message);
  }
  void cut() {
    const MutexLock lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
    welcomed_ = false;
  }
  void refuse_intents() {
    const MutexLock lock(mutex_);
    granting_ = false;
  }

  /// Waits (a minute at most) for a message that `wanted` accepts; the first such ever received.
  template <class Wanted>
  bool wait_for(const Wanted& wanted, Message* found = nullptr) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const MutexLock lock(mutex_);
    for (std::size_t seen = 0; std::chrono::steady_clock::now() < deadline;) {
      for (; seen < heard_.size(); ++seen) {
        if (!wanted(heard_[seen])) continue;
        if (found != nullptr) *found = heard_[seen];
        return true;
      }
      changed_.wait_for(mutex_, std::chrono::milliseconds(100));
    }
    return false;
  }
  bool wait_for_finished(std::int64_t fence, v1::Finished* finished) {
    Message found;
    const bool came = wait_for(
        [=](const Message& m) { return m.has_finished() && m.finished().fence() == fence; },
        &found);
    *finished = found.finished();
    return came;
  }
  std::vector<Message> heard() {
    const MutexLock lock(mutex_);
    return heard_;
  }
  void adopt_all(bool adopting) {
    const MutexLock lock(mutex_);
    adopting_ = adopting;
  }

 private:
  void hear(const Message& message) {
    const MutexLock lock(mutex_);
    heard_.push_back(message);
    v1::SchedulerMessage answer;
    if (answer_to(message, &answer)) stream_->Write(answer);
    changed_.notify_all();
  }

  bool answer_to(const Message& message, v1::SchedulerMessage* answer) UNFOLD_REQUIRES(mutex_) {
    using google::protobuf::util::TimeUtil;
    if (message.has_hello()) {
      welcomed_ = true;
      v1::Welcome& welcome = *answer->mutable_welcome();
      *welcome.mutable_heartbeat() = TimeUtil::NanosecondsToDuration(heartbeat_.count());
      *welcome.mutable_lease() = TimeUtil::NanosecondsToDuration(lease_.count());
      for (const v1::HeldLease& held : message.hello().held_leases()) {
        if (adopting_) welcome.add_adopted_leases(held.lease_id());
      }
    } else if (message.has_heartbeat()) {
      answer->mutable_heartbeat_ack()->set_sequence(message.heartbeat().sequence());
    } else if (message.has_publish_intent()) {
      answer->mutable_publish_grant()->set_fence(message.publish_intent().fence());
      answer->mutable_publish_grant()->set_granted(granting_);
    } else if (message.has_finished()) {
      answer->mutable_finished_ack()->set_fence(message.finished().fence());
    } else {
      return false;
    }
    return true;
  }

  const Duration heartbeat_;
  const Duration lease_;
  Mutex mutex_;
  Condition changed_;
  std::vector<Message> heard_ UNFOLD_GUARDED_BY(mutex_);
  bool welcomed_ UNFOLD_GUARDED_BY(mutex_) = false;
  bool granting_ UNFOLD_GUARDED_BY(mutex_) = true;
  bool adopting_ UNFOLD_GUARDED_BY(mutex_) = true;
  grpc::ServerContext* context_ UNFOLD_GUARDED_BY(mutex_) = nullptr;
  grpc::ServerReaderWriter<v1::SchedulerMessage, Message>* stream_ UNFOLD_GUARDED_BY(mutex_) =
      nullptr;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace unfold::test
