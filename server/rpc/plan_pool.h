#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/log/logger.h"
#include "common/metrics/scheduler_metrics.h"
#include "server/rpc/helper_process.h"
#include "server/rpc/plan_frames.h"
#include "server/rpc/planner.h"

namespace unfold::server {

/// Runs common/plan in child processes: a file that crashes, stalls or bloats a parser is an error
/// of the job that named it, never an outage. Probe jobs, which name no input, are planned in the
/// calling thread. One thread and one child each for up to `most_helpers` requests at a time; a
/// child is started when there is work for it and restarted after it died. Thread safe.
class PlanPool final : public Planner {
 public:
  struct Options {
    std::vector<std::string>
        command;  ///< program and arguments; "{fd}" becomes the socket's number
    int helpers = 2;
    int most_helpers = 4;  ///< when more than one request a helper waits
    Duration timeout = std::chrono::seconds(60);
    std::size_t most_waiting = 4096;  ///< beyond it: RESOURCE_EXHAUSTED
  };

  using Probes = std::function<absl::StatusOr<plan::Planned>(const v1::JobSpec&)>;

  /// `probes` plans probe jobs in the caller's thread. The references must outlive the pool.
  PlanPool(Options options, Probes probes, const metrics::SchedulerMetrics& metrics,
           const log::Logger& log, const Clock& clock);
  ~PlanPool() override;

  void plan(v1::JobSpec spec, Planned done) override;
  void plan_exposure(v1::SubmitExposureRequest request, Cameras done) override;

  /// What waits or is being validated is answered UNAVAILABLE at once; then the threads and
  /// children end.
  void stop();

 private:
  using Answer = std::function<void(absl::StatusOr<PlanFrame>)>;
  struct Task {
    PlanFrame request;
    Answer answer;
  };

  void enqueue(Task task);
  void run();
  std::optional<Task> take();
  std::unique_ptr<HelperProcess> start_helper() const;
  absl::StatusOr<PlanFrame> ask(std::unique_ptr<HelperProcess>& helper, const PlanFrame& request);
  absl::StatusOr<PlanFrame> converse(const HelperProcess& helper, const PlanFrame& request) const;
  absl::Status blame(std::unique_ptr<HelperProcess>& helper, const absl::Status& failure) const;

  const Options options_;
  const Probes probes_;
  const metrics::SchedulerMetrics& metrics_;
  const log::Logger& log_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Task> waiting_;  // guarded by mutex_, like all below
  std::size_t idle_ = 0;
  std::set<int> conversations_;  // sockets that a thread waits on
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace unfold::server
