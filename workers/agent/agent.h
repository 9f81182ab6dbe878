#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"
#include "common/log/logger.h"
#include "workers/agent/job_run.h"
#include "workers/agent/pipeline.h"
#include "workers/agent/session_core.h"
#include "workers/agent/transport.h"

namespace unfold::agent {

/// The worker: keeps the session, runs assignments in its slots, and publishes what they make.
/// SessionCore decides; this class gives it events one at a time (from one queue, on the thread of
/// run()) and does what it says. Thread safe.
class Agent final : public Supervisor {
 public:
  struct Options {
    CoreConfig core;  ///< its residency and workspace functions are filled in here
    int slots = 1;
    ProductOwnership ownership;
    /// Returns when core.health has been read again: called before an attempt's DEVICE_ERROR is
    /// reported, so that what was the device's own fault is known by then.
    std::function<void()> read_health_again{};
  };
  /// Not owned; all must outlive the agent.
  struct Parts {
    const Roots& roots;
    residency::ResponseCache& responses;
    std::vector<engine::Engine*> engines;
    const Clock& clock;
    const log::Logger& logger;
  };

  Agent(Options options, Parts parts, const TransportFactory& transport);
  ~Agent() override;
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Works until drained or stuck. When stuck, threads of an engine that does not react are left:
  /// the process must end without destroying this object.
  Exit run();
  void drain();
  /// `answer` is called by run()'s thread, soon. For a watchdog.
  void ask(std::function<void()> answer);

  absl::Status wait_until_permitted(std::int64_t fence) override;
  bool lease_alive(std::int64_t fence) override;
  absl::Status request_intent(std::int64_t fence,
                              const std::vector<v1::OutputFile>& outputs) override;
  void phase(std::int64_t fence, Phase phase) override;
  void progress(std::int64_t fence, const v1::Progress& progress) override;
  void response_ready(std::int64_t fence, const Ready& ready) override;
  void ended(std::int64_t fence, Outcome outcome) override;

 private:
  using Event = std::function<Effects(SessionCore&, Duration now)>;

  void post(Event event);
  Effects next_effects();
  void perform(Effect& effect);
  void start(const v1::Assign& assign);
  void stop(const StopWork& order);
  void preload(const v1::PreloadResponseOrder& order);
  void evict(const std::string& key);
  void run_errands();
  void add_errand(std::function<void()> errand);
  engine::Engine* engine_for(const v1::JobSpec& spec) const;
  Duration now() const { return parts_.clock.now().monotonic; }

  Parts parts_;
  ProductOwnership ownership_;
  std::function<void()> read_health_again_;
  Mutex mutex_;
  Condition changed_;
  SessionCore core_ UNFOLD_GUARDED_BY(mutex_);
  std::deque<Event> events_ UNFOLD_GUARDED_BY(mutex_);
  std::map<std::int64_t, std::shared_ptr<JobRun>> runs_ UNFOLD_GUARDED_BY(mutex_);
  std::deque<std::function<void()>> errands_ UNFOLD_GUARDED_BY(mutex_);
  bool closing_ UNFOLD_GUARDED_BY(mutex_) = false;
  std::optional<Exit> exit_;  // of run()'s thread
  std::vector<std::unique_ptr<Pipeline>> slots_;
  std::unique_ptr<Transport> transport_;
  std::thread errand_thread_;  // loads and evicts responses ahead of jobs
};

}  // namespace unfold::agent
