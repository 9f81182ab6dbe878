#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/publish/publication.h"
#include "server/fleet/fleet.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::simulation {

class World;

/// A worker process and what restarts it. It follows the worker's side of the protocol as
/// worker_service.proto and Publication state it, and counts its leases cautiously: from the moment
/// it sent the last heartbeat that was acknowledged.
class SimWorker {
 public:
  struct Traits {
    std::string name;
    int slots = 1;
    std::int64_t memory_bytes = 0;
    bool anonymous = false;  ///< says Hello without a name: must never get work
  };
  SimWorker(World& world, Traits traits);
  ~SimWorker();

  void start();  ///< a new process
  void crash(const std::string& why);
  void freeze(Duration length);

  // From the network.
  void receive(server::SessionId session, const v1::SchedulerMessage& message);
  void disconnected(server::SessionId session);

  /// Whether this process would still publish `job` under a fence other than `fence`.
  bool holds(const std::string& job, std::int64_t other_than_fence) const;
  const std::string& name() const { return traits_.name; }

 private:
  struct Work;

  /// Runs `action` later, unless this process is gone then; a frozen one runs it when it thaws.
  void later(Duration delay, std::function<void()> action);
  void run_or_hold(std::function<void()> action);
  void connect();
  void say_hello();
  void beat();
  void send(const v1::WorkerMessage& message);

  void welcome(const v1::Welcome& welcome);
  void heartbeat_ack(std::int64_t sequence);
  void assign(const v1::Assign& assign);
  void cancel(const v1::CancelJob& cancel);
  void abandon(const v1::Abandon& abandon);
  void granted(const v1::PublishGrant& grant);

  Work* find(const std::string& lease_id);
  void fill_slots();
  void begin(Work& work);
  bool recover(Work& work);
  void load(Work& work);
  void compute(Work& work);
  void write(Work& work);
  void publish(Work& work);
  void publish_step(Work& work);
  void ask(Work& work);
  void end(Work& work, v1::Finished finished);
  void fail(Work& work, v1::ErrorClass error_class, const std::string& message);
  void fail(Work& work, const absl::Status& status);
  /// Goes on with `next` after a while, if the work is still there and not stopped.
  void go_on(Work& work, Duration delay, void (SimWorker::*next)(Work&));
  bool faults(Work& work);
  v1::HeldLease held(const Work& work) const;
  std::vector<Publication::Output> outputs_of(const Work& work) const;

  World& world_;
  const Traits traits_;
  bool alive_ = false;
  bool frozen_ = false;
  std::int64_t life_ = 0;
  std::string incarnation_;
  std::deque<std::function<void()>> frozen_actions_;
  server::SessionId session_ = 0;
  bool welcomed_ = false;
  std::int64_t sequence_ = 0;
  struct Beat {
    Duration sent;
    std::set<std::string> leases;
  };
  std::map<std::int64_t, Beat> beats_;  ///< sent on this session, not yet acknowledged
  Beat hello_;
  Duration last_contact_{};
  std::map<std::string, std::unique_ptr<Work>> works_;  ///< by lease
  std::map<std::string, v1::Finished> unacknowledged_;  ///< by lease
  std::set<std::string> resident_;
};

}  // namespace unfold::simulation
