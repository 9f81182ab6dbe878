#include "server/rpc/plan_pool.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/config/units.h"
#include "server/rpc/job_requests.h"
#include "unfold/v1/job_service.pb.h"

namespace unfold::server {
namespace {

absl::Status stopping() { return absl::UnavailableError("the scheduler is stopping"); }

// The job's plan, or the refusal that the helper sent in its place.
absl::StatusOr<plan::Planned> planned_from(const absl::StatusOr<PlanFrame>& frame) {
  if (!frame.ok()) return frame.status();
  v1::BatchSubmitResponse::Result result;
  if (!result.ParseFromString(frame->body)) {
    return absl::InternalError("a validation helper sent an unreadable answer");
  }
  if (result.code() != 0) {
    return status_from_wire(static_cast<absl::StatusCode>(result.code()), result.message(),
                            result.error().SerializeAsString());
  }
  return plan::Planned{.spec = std::move(*result.mutable_job()->mutable_spec()),
                       .plan = std::move(*result.mutable_job()->mutable_plan())};
}

absl::StatusOr<v1::Exposure> cameras_from(const absl::StatusOr<PlanFrame>& frame) {
  if (frame.ok() && frame->kind == PlanFrame::Kind::kCameras) {
    v1::Exposure exposure;
    if (exposure.ParseFromString(frame->body)) return exposure;
    return absl::InternalError("a validation helper sent an unreadable answer");
  }
  const auto refused = planned_from(frame);
  return refused.ok() ? absl::InternalError("a validation helper sent a job for an exposure")
                      : refused.status();
}

// An idle helper says nothing: something to read means that it died.
bool is_alive(const HelperProcess& helper) {
  pollfd watched{.fd = helper.fd(), .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) == 0;
}

}  // namespace

PlanPool::PlanPool(Options options, Probes probes, const metrics::SchedulerMetrics& metrics,
                   const log::Logger& log, const Clock& clock)
    : options_(std::move(options)),
      probes_(std::move(probes)),
      metrics_(metrics),
      log_(log),
      clock_(clock) {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < options_.helpers; ++i) threads_.emplace_back([this] { run(); });
}

PlanPool::~PlanPool() { stop(); }

void PlanPool::stop() {
  std::deque<Task> abandoned;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    abandoned.swap(waiting_);
    threads.swap(threads_);
    for (const int socket : conversations_) shutdown(socket, SHUT_RDWR);
  }
  work_.notify_all();
  for (Task& task : abandoned) task.answer(stopping());
  for (std::thread& thread : threads) thread.join();
}

void PlanPool::plan(v1::JobSpec spec, Planned done) {
  const Time began = clock_.now();
  const auto timed = [this, began, engine = engine_of(spec),
                      done = std::move(done)](absl::StatusOr<plan::Planned> planned) {
    const std::chrono::duration<double> took = clock_.now().monotonic - began.monotonic;
    metrics_.plan_seconds.at({engine}).Observe(took.count());
    done(std::move(planned));
  };
  if (spec.has_probe()) {
    timed(probes_(spec));
    return;
  }
  Task task;
  task.request.kind = PlanFrame::Kind::kJob;
  task.request.body = spec.SerializeAsString();
  task.answer = [timed](const absl::StatusOr<PlanFrame>& frame) { timed(planned_from(frame)); };
  enqueue(std::move(task));
}

void PlanPool::plan_exposure(v1::SubmitExposureRequest request, Cameras done) {
  Task task;
  task.request.kind = PlanFrame::Kind::kExposure;
  task.request.body = request.SerializeAsString();
  task.answer = [done = std::move(done)](const absl::StatusOr<PlanFrame>& frame) {
    done(cameras_from(frame));
  };
  enqueue(std::move(task));
}

void PlanPool::enqueue(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && waiting_.size() < options_.most_waiting) {
      waiting_.push_back(std::move(task));
      const auto most = static_cast<std::size_t>(options_.most_helpers);
      if (waiting_.size() > idle_ && threads_.size() < most) {
        threads_.emplace_back([this] { run(); });
      }
      work_.notify_one();
      return;
    }
  }
  task.answer(error({.code = absl::StatusCode::kResourceExhausted,
                     .reason = "VALIDATION_QUEUE_FULL",
                     .field = "",
                     .what = "too many submissions wait for validation",
                     .why = absl::StrCat("more than ", options_.most_waiting),
                     .remedy = "try again in a few seconds"}));
}

std::optional<PlanPool::Task> PlanPool::take() {
  std::unique_lock lock(mutex_);
  ++idle_;
  work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
  --idle_;
  if (waiting_.empty()) return std::nullopt;
  Task task = std::move(waiting_.front());
  waiting_.pop_front();
  return task;
}

void PlanPool::run() {
  std::unique_ptr<HelperProcess> helper = start_helper();
  while (const auto task = take()) task->answer(ask(helper, task->request));
}

std::unique_ptr<HelperProcess> PlanPool::start_helper() const {
  auto helper = HelperProcess::start(options_.command);
  if (helper.ok()) return *std::move(helper);
  log_.error("cannot start a validation helper", {{"error", helper.status().ToString()}});
  return nullptr;
}

absl::StatusOr<PlanFrame> PlanPool::ask(std::unique_ptr<HelperProcess>& helper,
                                        const PlanFrame& request) {
  if (helper == nullptr || !is_alive(*helper)) helper = start_helper();
  if (helper == nullptr) {
    return error({.code = absl::StatusCode::kUnavailable,
                  .reason = "NO_VALIDATION_HELPER",
                  .field = "",
                  .what = "jobs cannot be validated now",
                  .why = "no helper process can be started",
                  .remedy = "see the scheduler's log"});
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stopping();
    conversations_.insert(helper->fd());
  }
  auto frame = converse(*helper, request);
  bool cut_off = false;
  {
    const std::lock_guard lock(mutex_);
    conversations_.erase(helper->fd());
    cut_off = stopping_;
  }
  if (frame.ok()) return frame;
  return cut_off ? stopping() : blame(helper, frame.status());
}

absl::StatusOr<PlanFrame> PlanPool::converse(const HelperProcess& helper,
                                             const PlanFrame& request) const {
  UNFOLD_RETURN_IF_ERROR(write_frame(helper.fd(), request));
  UNFOLD_ASSIGN_OR_RETURN(auto frame, read_frame(helper.fd(), options_.timeout));
  if (!frame) return absl::UnavailableError("it is gone");
  return *std::move(frame);
}

absl::Status PlanPool::blame(std::unique_ptr<HelperProcess>& helper,
                             const absl::Status& failure) const {
  const std::string how = helper->end();
  helper.reset();
  const bool stalled = absl::IsDeadlineExceeded(failure);
  metrics_.plan_helper_deaths.at({stalled ? "timeout" : "crash"}).Increment();
  log_.warning("a validation helper died",
               {{"how", stalled ? "stalled" : how}, {"error", failure.ToString()}});
  if (stalled) {
    return error({.code = absl::StatusCode::kInvalidArgument,
                  .reason = "INPUT_STALLED_PARSER",
                  .field = "",
                  .what = "checking the job's files took too long",
                  .why = absl::StrCat("over ", config::format_duration(options_.timeout)),
                  .remedy = "check the files and the file system they are on"});
  }
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "INPUT_CRASHED_PARSER",
                .field = "",
                .what = "the job's files crashed the parser",
                .why = how,
                .remedy = "check the files; other jobs are not affected"});
}

}  // namespace unfold::server
