#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "unfold/v1/worker_service.pb.h"

namespace unfold::agent {

/// A session with the scheduler that can be lost and opened again. Not thread safe. Events come
/// from other threads, perhaps before a call returns; messages come in order.
class Transport {
 public:
  struct Events {
    std::function<void(std::int64_t session, const v1::SchedulerMessage&)> message;
    std::function<void(std::int64_t session, const std::string& why)> disconnected;
  };
  virtual ~Transport() = default;  ///< no event comes after it
  /// Drops the present session, without an event, and opens another.
  virtual void connect(std::int64_t session) = 0;
  /// In order; dropped when there is no session.
  virtual void send(const v1::WorkerMessage& message) = 0;
};

using TransportFactory = std::function<std::unique_ptr<Transport>(Transport::Events)>;

}  // namespace unfold::agent
