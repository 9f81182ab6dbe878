#include "client/supervise/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"

namespace unfold::supervise {
namespace {

constexpr int kLinesOfLog = 6;
constexpr Duration kForever = std::chrono::hours(1);

int open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Supervisor::Supervisor(Fleet fleet, const Clock& clock, std::ostream& err)
    : clock_(clock),
      err_(err),
      drain_timeout_(fleet.drain_timeout),
      scheduler_{.program = std::move(fleet.scheduler)},
      signals_(open_signals()) {
  for (Program& program : fleet.workers) workers_.push_back({.program = std::move(program)});
}

Supervisor::~Supervisor() {
  signal_all(SIGKILL);
  close(signals_);
  if (ready_in_ >= 0) close(ready_in_);
}

absl::Status Supervisor::run(const std::function<void(const std::string& line)>& on_ready) {
  if (absl::Status started = start_scheduler(); !started.ok()) return started;
  bool announced = false;
  while (true) {
    wait_for_event();
    if (phase_ == Phase::kRunning && !announced) {
      announced = true;
      for (Child& worker : workers_) worker.restart_at = now();
      start_due();
      on_ready(ready_line_);
    }
    if (phase_ >= Phase::kDraining) advance_drain();
    if (scheduler_.pid == 0 && workers_gone() && (phase_ >= Phase::kDraining || !failure_.ok())) {
      return failure_;
    }
  }
}

absl::Status Supervisor::start(Child& child) {
  child.restart_at.reset();
  if (&child == &scheduler_) return start_scheduler();
  const absl::StatusOr<pid_t> pid = start_child(child.program, -1);
  if (!pid.ok()) return pid.status();
  child.pid = *pid;
  child.started = now();
  return absl::OkStatus();
}

absl::Status Supervisor::start_scheduler() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return absl::InternalError("no pipe for the scheduler's readiness");
  }
  if (ready_in_ >= 0) close(ready_in_);
  ready_in_ = ends[0];
  Program program = scheduler_.program;
  program.command.insert(program.command.end(), {"--ready-fd", absl::StrCat(ends[1])});
  const absl::StatusOr<pid_t> pid = start_child(program, ends[1]);
  close(ends[1]);
  if (!pid.ok()) return pid.status();
  scheduler_.pid = *pid;
  scheduler_.started = now();
  return absl::OkStatus();
}

void Supervisor::start_due() {
  const auto start_if_due = [this](Child& child) {
    if (!child.restart_at.has_value() || *child.restart_at > now()) return;
    if (const absl::Status status = start(child); !status.ok()) {
      child.restart_at = now() + child.policy.delay_after({});
      err_ << "unfold: " << status.message() << "\n";
    }
  };
  start_if_due(scheduler_);
  for (Child& worker : workers_) start_if_due(worker);
}

Duration Supervisor::until_next_deadline() const {
  Duration next = now() + kForever;
  if (phase_ == Phase::kDraining) next = std::min(next, drain_ends_);
  if (scheduler_.restart_at.has_value()) next = std::min(next, *scheduler_.restart_at);
  for (const Child& worker : workers_) {
    if (worker.restart_at.has_value()) next = std::min(next, *worker.restart_at);
  }
  return std::max(next - now(), Duration::zero());
}

void Supervisor::wait_for_event() {
  std::array<pollfd, 2> watched{{{signals_, POLLIN, 0}, {ready_in_, POLLIN, 0}}};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until_next_deadline());
  poll(watched.data(), watched.size(), static_cast<int>(wait.count()));
  // Readiness first: a scheduler that answered and then died did answer.
  if (watched[1].revents != 0) take_readiness();
  if (watched[0].revents != 0) take_signals();
  if (phase_ < Phase::kDraining) start_due();
}

void Supervisor::take_readiness() {
  std::array<char, 256> text{};
  const ssize_t size = read(ready_in_, text.data(), text.size());
  close(ready_in_);
  ready_in_ = -1;  // poll() skips it
  if (size <= 0 || phase_ != Phase::kStarting) return;
  ready_line_.assign(text.data(), static_cast<std::size_t>(size));
  phase_ = Phase::kRunning;
}

void Supervisor::take_signals() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != static_cast<std::uint32_t>(SIGCHLD)) on_stop_signal();
  }
  reap();  // one SIGCHLD may stand for several deaths
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    if (pid == scheduler_.pid) on_death(scheduler_, status);
    for (Child& worker : workers_) {
      if (pid == worker.pid) on_death(worker, status);
    }
  }
}

void Supervisor::on_death(Child& child, int status) {
  child.pid = 0;
  if (phase_ >= Phase::kDraining) return;
  const std::string how = describe_wait_status(status);
  if (phase_ == Phase::kStarting) {
    scheduler_exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    failure_ = error({.code = absl::StatusCode::kUnavailable,
                      .reason = "SCHEDULER_DID_NOT_START",
                      .field = "",
                      .what = "the scheduler did not start",
                      .why = how,
                      .remedy = absl::StrCat("see ", child.program.log_file)});
    err_ << last_lines(child.program.log_file, kLinesOfLog);
    return;
  }
  const Duration delay = child.policy.delay_after(now() - child.started);
  child.restart_at = now() + delay;
  err_ << "unfold: " << child.program.name << " ended (" << how << "); starting it again in "
       << absl::StrFormat("%g s", seconds(delay)) << " [its log: " << child.program.log_file
       << "]\n";
  err_.flush();
}

void Supervisor::on_stop_signal() {
  if (phase_ >= Phase::kDraining) {
    err_ << "unfold: stopping now\n";
    phase_ = Phase::kStopping;
    signal_all(SIGKILL);
    return;
  }
  err_ << absl::StrFormat("\nunfold: draining, at most %g s; once more stops now\n",
                          seconds(drain_timeout_));
  err_.flush();
  phase_ = Phase::kDraining;
  drain_ends_ = now() + drain_timeout_;
  scheduler_.restart_at.reset();
  for (Child& worker : workers_) {
    worker.restart_at.reset();
    if (worker.pid > 0) kill(worker.pid, SIGTERM);
  }
}

void Supervisor::advance_drain() {
  if (phase_ == Phase::kDraining && now() >= drain_ends_) {
    err_ << "unfold: not drained in time; what still runs is taken up at the next start\n";
    phase_ = Phase::kStopping;
    signal_all(SIGKILL);
  }
  if (scheduler_.pid > 0 && workers_gone() && !scheduler_told_) {
    scheduler_told_ = true;
    kill(scheduler_.pid, SIGTERM);
  }
}

void Supervisor::signal_all(int signal) {
  if (scheduler_.pid > 0) kill(scheduler_.pid, signal);
  for (const Child& worker : workers_) {
    if (worker.pid > 0) kill(worker.pid, signal);
  }
}

bool Supervisor::workers_gone() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const Child& worker) { return worker.pid == 0; });
}

}  // namespace unfold::supervise
