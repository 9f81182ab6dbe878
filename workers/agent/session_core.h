#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "unfold/v1/types.pb.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::agent {

/// Where a piece of work stands in its slot.
enum class Phase { kWaiting, kReading, kLoading, kComputing, kHolding, kWriting, kPublishing };

/// How a piece of work ended.
struct Outcome {
  absl::Status status;
  v1::ErrorClass error_class = v1::ERROR_CLASS_UNSPECIFIED;
  std::vector<v1::OutputFile> outputs{};
  std::map<std::string, double> seconds{};
  std::map<std::string, double> summary{};
  std::vector<std::string> log{};
  std::int64_t recovered_fence = 0;
};

/// Its response is in memory: it computes. Times as in v1::Attempt.
struct Ready {
  bool response_hit = false;
  double load_seconds = 0;
  std::optional<double> start_seconds{};
  std::optional<double> idle_seconds{};
};

// What the core wants done, in this order.
struct Connect {  ///< drop the session there is, open this one
  std::int64_t session = 0;
};
struct Send {
  v1::WorkerMessage message;
};
struct StartWork {
  v1::Assign assign;
};
struct StopWork {  ///< cancel it; it will publish nothing
  std::int64_t fence = 0;
  std::string why;
  v1::ErrorClass reason = v1::ERROR_CLASS_CANCELLED;
};
struct PreloadResponse {
  v1::PreloadResponseOrder order;
};
struct EvictResponse {
  std::string key;
};
struct Exit {
  bool stuck = false;  ///< threads of an engine that does not react are left: do not wait for them
  bool device_failed = false;  ///< the device may not be used again by this process
  std::string why;
};
using Effect =
    std::variant<Connect, Send, StartWork, StopWork, PreloadResponse, EvictResponse, Exit>;
using Effects = std::vector<Effect>;

struct CoreConfig {
  v1::Hello hello;  ///< without residency, workspace, health and held leases
  std::function<std::vector<v1::Residency>()> residency;
  std::function<v1::Workspace()> workspace{};
  std::function<v1::DeviceHealth()> health{};       ///< none where the device tells nothing
  Duration cancel_grace = std::chrono::seconds(2);  ///< for an engine to react; I/O gets 5 times
  Duration drain_timeout = std::chrono::seconds(10);
  Duration first_backoff = std::chrono::milliseconds(100);
  Duration longest_backoff = std::chrono::seconds(2);
};

/// The worker's side of the session protocol, as pure state: no clock, thread or socket. `now` is
/// monotonic and never goes back. Not thread safe.
///
/// The lease rules (DESIGN.md 4): a lease runs from the moment when the last acknowledged message
/// that carried it was *sent* (a new one: from that of the last acknowledged message before it), so
/// it never outlives what the scheduler believes. After two thirds without acknowledgement nothing
/// with a side effect begins; after its end nothing is published. Losing the session ends no work:
/// the next Welcome says what is still ours. A lease whose engine is silent for longer than its
/// bound is not renewed.
class SessionCore {
 public:
  SessionCore(CoreConfig config, Duration now);

  // From the session.
  Effects start(Duration now);
  // What an earlier session still says is ignored.
  Effects disconnected(std::int64_t session, Duration now);
  Effects message(std::int64_t session, const v1::SchedulerMessage& message, Duration now);
  Effects timer(Duration now);
  Duration next_timer() const;  ///< call timer() then

  // From the work. Unknown fences are ignored: such work was given up.
  void phase(std::int64_t fence, Phase phase, Duration now);
  void progress(std::int64_t fence, const v1::Progress& progress, Duration now);
  /// Its thread is not stuck: it waits for the scheduler.
  void waits(std::int64_t fence, Duration now);
  Effects response_ready(std::int64_t fence, const Ready& ready);
  Effects want_intent(std::int64_t fence, const std::vector<v1::OutputFile>& outputs);
  Effects ended(std::int64_t fence, const Outcome& outcome, Duration now);

  /// The device failed outside of an attempt. As after an attempt that ended with DEVICE_ERROR:
  /// what the device says of itself goes to the scheduler first; unless that is a fault (the worker
  /// stays, cordoned), all that has not been computed is given back, and the process is to end.
  Effects device_failed(Duration now);

  /// May work begin something with a side effect?
  enum class Permit { kGo, kWait, kStop };
  Permit permit(std::int64_t fence, Duration now) const;
  bool lease_alive(std::int64_t fence, Duration now) const;
  /// Aborted when refused or given up; nothing while the scheduler has not answered.
  std::optional<absl::Status> intent_answer(std::int64_t fence) const;

  /// Gives back what has not begun, lets the rest finish until the drain timeout, then exits.
  Effects drain(Duration now);
  bool draining() const { return drain_deadline_.has_value(); }

 private:
  struct Stop {
    v1::ErrorClass reason = v1::ERROR_CLASS_UNSPECIFIED;
    Duration since{};
  };
  struct Work {
    v1::Assign assign;
    Duration lease_from{};
    Phase phase = Phase::kWaiting;
    Duration heard{};  // of its engine
    v1::Progress progress;
    std::optional<v1::Started> started;
    std::optional<v1::PublishIntent> intent;
    std::optional<absl::Status> intent_answer;
    std::optional<Stop> stop;
    bool abandoned = false;
    std::optional<v1::Finished> finished;  // ended; kept until acknowledged
    Duration finished_sent{};
    bool committed() const { return intent_answer.has_value() && intent_answer->ok(); }
  };
  struct Sent {
    Duration at{};
    std::vector<std::int64_t> fences;
  };

  void connect(Effects& effects, Duration now);
  void welcome(const v1::Welcome& welcome, Effects& effects, Duration now);
  void acknowledged(std::int64_t sequence);
  void assign(const v1::Assign& assign, Effects& effects, Duration now);
  void heartbeat(Effects& effects, Duration now);
  void stop(Work& work, v1::ErrorClass reason, const std::string& why, Effects& effects,
            Duration now);
  void abandon(std::int64_t fence, const std::string& why, Effects& effects, Duration now);
  void give_up_the_silent(Effects& effects, Duration now);
  void escalate(Effects& effects, Duration now);
  void finish(Work& work, v1::Finished finished, Effects& effects, Duration now);
  void resend_finished(Effects& effects, Duration now);
  void continue_drain(Effects& effects, Duration now);
  void tell_health(Effects& effects, Duration now);
  void leave_device(Effects& effects, Duration now);
  Duration last_call() const;

  bool silent(const Work& work, Duration now) const;
  Duration grace(const Work& work) const;
  v1::HeldLease held(const Work& work) const;
  Work* find(std::int64_t fence);
  const Work* find(std::int64_t fence) const;

  CoreConfig config_;
  Duration heartbeat_every_ = std::chrono::seconds(2);
  Duration lease_ = std::chrono::seconds(15);
  std::map<std::int64_t, Work> works_;  // by fence

  std::int64_t session_ = 0;
  bool welcomed_ = false;
  Duration hello_sent_{};
  Duration acknowledged_{};  // when the last acknowledged message was sent
  Duration next_heartbeat_{};
  std::optional<Duration> reconnect_at_;
  Duration backoff_;
  std::int64_t sequence_ = 0;
  std::map<std::int64_t, Sent> unacknowledged_;

  std::optional<Duration> drain_deadline_;
  bool past_deadline_ = false;
  bool device_failed_ = false;
  bool stuck_ = false;
  bool exited_ = false;
};

}  // namespace unfold::agent
