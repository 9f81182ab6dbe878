#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "server/rpc/backend.h"
#include "unfold/v1/worker_service.grpc.pb.h"

namespace unfold::server {

class WorkerSession;

/// The open worker sessions. send() and close() only queue, so a slow or dead worker cannot hold up
/// the core; a session whose queue is full is closed. Thread safe.
class WorkerSessions {
 public:
  void add(SessionId id, std::shared_ptr<WorkerSession> session);
  void remove(SessionId id);
  SessionId next_id();

  void send(Send send);
  void close(const CloseSession& close);
  void close_all(const std::string& why);

 private:
  std::shared_ptr<WorkerSession> find(SessionId id);

  std::mutex mutex_;
  SessionId last_ = 0;                                                  // guarded by mutex_
  std::unordered_map<SessionId, std::shared_ptr<WorkerSession>> open_;  // guarded by mutex_
};

/// WorkerService: hands what workers say to the core, and the core's orders to them.
class WorkerService final : public v1::WorkerService::CallbackService {
 public:
  WorkerService(const Backend& backend, WorkerSessions& sessions)
      : backend_(backend), sessions_(sessions) {}

  grpc::ServerBidiReactor<v1::WorkerMessage, v1::SchedulerMessage>* Session(
      grpc::CallbackServerContext* context) override;

 private:
  const Backend& backend_;
  WorkerSessions& sessions_;
};

}  // namespace unfold::server
