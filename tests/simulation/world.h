#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "server/jobs/memory_job_store.h"
#include "server/scheduler/core.h"
#include "tests/simulation/files.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/random.h"

namespace unfold::simulation {

class SimWorker;

inline constexpr Duration kStorm = std::chrono::seconds(90);  ///< faults happen this long

/// How wild one seed is; every seed draws its own.
struct Weather {
  double break_session = 0;    ///< per message
  double double_message = 0;   ///< per message from a worker
  double lose_reply = 0;       ///< per answer to a client
  double crash_scheduler = 0;  ///< per step, between commit and sends
  double fail_commit = 0;      ///< per step
  double crash_worker = 0;     ///< per stage of a job
  double freeze_worker = 0;    ///< per stage of a job
  double cancel = 0;           ///< per job
  double retry = 0;            ///< per job seen to have failed
};

/// A whole cluster in one thread: the real Core over a memory store, workers that publish with the
/// real Publication into a folder in memory, clients that repeat what was not answered, and a
/// network that breaks. Everything follows from the seed.
class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();

  /// The first violation, or empty.
  std::string run();
  const std::vector<std::string>& trace() const { return trace_; }
  std::int64_t steps() const { return steps_; }

  // For workers and clients.
  Random& random() { return random_; }
  const Time& now() const { return now_; }
  const Weather& weather() const { return weather_; }
  bool calm() const { return now_.monotonic >= calm_at_; }  ///< faults have stopped
  bool chance(double probability) { return !calm() && random_.chance(probability); }
  Folder& folder() { return folder_; }
  const std::shared_ptr<Folder>& shared_folder() { return shared_folder_; }
  Invariants& invariants() { return invariants_; }
  int scheduler_restarts() const { return restarts_; }
  void at(Duration delay, std::function<void()> action);
  void note(const std::string& line);

  /// A TCP-like connection: in order within it, lost when it breaks. 0 where the scheduler is down.
  server::SessionId connect(SimWorker& worker);
  void send(server::SessionId session, const v1::WorkerMessage& message);
  void break_session(server::SessionId session);  ///< the worker's end is gone

 private:
  struct Line {
    SimWorker* worker = nullptr;
    bool broken = false;
    Duration last_up{};
    Duration last_down{};
  };
  struct Scheduled {
    Duration when;
    std::int64_t order;
    std::shared_ptr<std::function<void()>> action;
    bool operator>(const Scheduled& other) const {
      return std::tie(when, order) > std::tie(other.when, other.order);
    }
  };
  Weather draw_weather();
  void plan_clients();
  void plan_faults();
  server::NewJob draw_job(const std::string& client, int number);
  void submit(const server::NewJob& job);
  void cancel(const std::string& job_id);
  void retry(const std::string& job_id);
  void watch_for_retry();

  void start_scheduler();
  void crash_scheduler(const std::string& why);
  void post(server::Event event);
  void deliver(server::Effects& effects);
  void deliver(const server::Reply& reply);
  void deliver(const server::Send& send);
  void schedule_tick(Duration when);
  void on_new_leases(const std::vector<server::StoreWrite>& writes);
  bool settled() const;

  Random random_;
  RandomIds ids_;
  Weather weather_;
  Time now_{.monotonic = std::chrono::hours(1), .unix_ns = 1'795'000'000'000'000'000};
  Duration calm_at_{};
  std::priority_queue<Scheduled, std::vector<Scheduled>, std::greater<>> queue_;
  std::int64_t order_ = 0;
  std::int64_t steps_ = 0;
  std::vector<std::string> trace_;

  server::MemoryJobStore store_;
  std::optional<server::Core> core_;
  std::int64_t life_ = 0;  ///< of the scheduler process
  int restarts_ = 0;
  std::optional<Duration> tick_at_;
  std::map<server::SessionId, Line> lines_;
  server::SessionId last_session_ = 0;
  server::Token last_token_ = 0;
  std::map<server::Token, std::function<void(const absl::StatusOr<server::ReplyBody>&)>> waiting_;

  std::shared_ptr<Folder> shared_folder_ = std::make_shared<Folder>();
  Folder& folder_ = *shared_folder_;
  Invariants invariants_{folder_};
  std::vector<std::unique_ptr<SimWorker>> workers_;
  int unanswered_ = 0;                                     ///< submissions not yet acknowledged
  std::set<std::pair<std::string, std::string>> counted_;  ///< requests that were
};

}  // namespace unfold::simulation
