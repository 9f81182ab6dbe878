#include "workers/agent/agent.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/error.h"
#include "workers/agent/memory_report.h"

namespace unfold::agent {
namespace {

std::string engine_name(const v1::JobSpec& spec) {
  switch (spec.engine_case()) {
    case v1::JobSpec::kExtraction:
      return "extraction";
    case v1::JobSpec::kImaging:
      return "imaging";
    case v1::JobSpec::kSpi:
      return "spi";
    case v1::JobSpec::kProbe:
      return "probe";
    case v1::JobSpec::ENGINE_NOT_SET:
      return "";
  }
  return "";
}

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace

Agent::Agent(Options options, Parts parts, const TransportFactory& transport)
    : parts_(std::move(parts)),
      ownership_(options.ownership),
      read_health_again_(std::move(options.read_health_again)),
      core_(
          [&] {
            options.core.residency = [this] { return residency_of(parts_.responses); };
            options.core.workspace = [this] { return workspace_of(parts_.responses); };
            return std::move(options.core);
          }(),
          now()) {
  for (int i = 0; i < options.slots; ++i) slots_.push_back(std::make_unique<Pipeline>());
  transport_ = transport({.message =
                              [this](std::int64_t session, const v1::SchedulerMessage& message) {
                                if (message.has_welcome())
                                  parts_.logger.info("the scheduler welcomes this worker");
                                post([session, message](SessionCore& core, Duration at) {
                                  return core.message(session, message, at);
                                });
                              },
                          .disconnected =
                              [this](std::int64_t session, const std::string& why) {
                                parts_.logger.warning("lost the scheduler", {{"error", why}});
                                post([session](SessionCore& core, Duration at) {
                                  return core.disconnected(session, at);
                                });
                              }});
  errand_thread_ = std::thread([this] { run_errands(); });
}

Agent::~Agent() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  errand_thread_.join();
  slots_.clear();
  transport_.reset();
}

// ---- the loop ----

Exit Agent::run() {
  post([](SessionCore& core, Duration at) { return core.start(at); });
  while (!exit_) {
    Effects effects = next_effects();
    for (Effect& effect : effects) perform(effect);
  }
  return *exit_;
}

void Agent::post(Event event) {
  const MutexLock lock(mutex_);
  events_.push_back(std::move(event));
  changed_.notify_all();
}

void Agent::ask(std::function<void()> answer) {
  post([answer = std::move(answer)](SessionCore&, Duration) {
    answer();
    return Effects();
  });
}

Effects Agent::next_effects() {
  const MutexLock lock(mutex_);
  for (;;) {
    const Duration timer = core_.next_timer();
    Effects effects;
    if (now() >= timer) {
      effects = core_.timer(now());
    } else if (!events_.empty()) {
      const Event event = std::move(events_.front());
      events_.pop_front();
      effects = event(core_, now());
    } else {
      changed_.wait_for(mutex_, timer - now());
      continue;
    }
    changed_.notify_all();  // leases and answers may have changed
    return effects;
  }
}

void Agent::perform(Effect& effect) {
  std::visit(Overloaded{[&](const Connect& order) { transport_->connect(order.session); },
                        [&](const Send& send) { transport_->send(send.message); },
                        [&](const StartWork& order) { start(order.assign); },
                        [&](const StopWork& order) { stop(order); },
                        [&](const PreloadResponse& order) { preload(order.order); },
                        [&](const EvictResponse& order) { evict(order.key); },
                        [&](const Exit& order) { exit_ = order; }},
             effect);
}

void Agent::drain() {
  parts_.logger.info("draining");
  post([](SessionCore& core, Duration at) { return core.drain(at); });
}

// ---- work ----

engine::Engine* Agent::engine_for(const v1::JobSpec& spec) const {
  const std::string name = engine_name(spec);
  const auto found =
      std::find_if(parts_.engines.begin(), parts_.engines.end(),
                   [&](const engine::Engine* engine) { return engine->name() == name; });
  return found == parts_.engines.end() ? nullptr : *found;
}

void Agent::start(const v1::Assign& assign) {
  engine::Engine* engine = engine_for(assign.spec());
  if (engine == nullptr) {
    ended(assign.fence(), {.status = absl::UnimplementedError("this worker has no such engine"),
                           .error_class = v1::ERROR_CLASS_ENGINE_ERROR});
    return;
  }
  parts_.logger.info("job begins", {{"job", assign.job_id()},
                                    {"attempt", assign.attempt()},
                                    {"lease", assign.lease_id()},
                                    {"fence", assign.fence()}});
  auto run = std::make_shared<JobRun>(
      assign, *engine,
      RunEnvironment{parts_.roots, ownership_, parts_.responses, *this, parts_.clock});
  {
    const MutexLock lock(mutex_);
    runs_.emplace(assign.fence(), run);
  }
  const auto emptiest =
      std::min_element(slots_.begin(), slots_.end(),
                       [](const auto& a, const auto& b) { return a->jobs() < b->jobs(); });
  (*emptiest)->submit(std::move(run));
}

void Agent::stop(const StopWork& order) {
  parts_.logger.info("job is stopped", {{"fence", order.fence}, {"error", order.why}});
  const MutexLock lock(mutex_);
  if (const auto run = runs_.find(order.fence); run != runs_.end())
    run->second->cancel(order.reason);
}

absl::Status Agent::wait_until_permitted(std::int64_t fence) {
  const MutexLock lock(mutex_);
  for (;;) {
    switch (core_.permit(fence, now())) {
      case SessionCore::Permit::kGo:
        return absl::OkStatus();
      case SessionCore::Permit::kStop:
        return absl::CancelledError("told to stop");
      case SessionCore::Permit::kWait:
        core_.waits(fence, now());
        changed_.wait(mutex_);
    }
  }
}

bool Agent::lease_alive(std::int64_t fence) {
  const MutexLock lock(mutex_);
  return core_.lease_alive(fence, now());
}

absl::Status Agent::request_intent(std::int64_t fence, const std::vector<v1::OutputFile>& outputs) {
  post([=](SessionCore& core, Duration) { return core.want_intent(fence, outputs); });
  const MutexLock lock(mutex_);
  for (;;) {
    if (const auto answer = core_.intent_answer(fence)) return *answer;
    if (core_.permit(fence, now()) == SessionCore::Permit::kStop) {
      return absl::CancelledError("told to stop");
    }
    core_.waits(fence, now());
    changed_.wait(mutex_);
  }
}

void Agent::phase(std::int64_t fence, Phase phase) {
  const MutexLock lock(mutex_);
  core_.phase(fence, phase, now());
}

void Agent::progress(std::int64_t fence, const v1::Progress& progress) {
  const MutexLock lock(mutex_);
  core_.progress(fence, progress, now());
}

void Agent::response_ready(std::int64_t fence, const Ready& ready) {
  post([=](SessionCore& core, Duration) { return core.response_ready(fence, ready); });
}

void Agent::ended(std::int64_t fence, Outcome outcome) {
  if (outcome.status.ok()) {
    parts_.logger.info("job succeeded", {{"fence", fence}});
  } else {
    parts_.logger.warning("job failed", {{"fence", fence},
                                         {"class", v1::ErrorClass_Name(outcome.error_class)},
                                         {"error", std::string(outcome.status.message())}});
  }
  if (outcome.error_class == v1::ERROR_CLASS_DEVICE_ERROR && read_health_again_) {
    read_health_again_();
  }
  const MutexLock lock(mutex_);
  runs_.erase(fence);
  events_.push_back([fence, outcome = std::move(outcome)](SessionCore& core, Duration at) {
    return core.ended(fence, outcome, at);
  });
  changed_.notify_all();
}

// ---- responses ----

void Agent::preload(const v1::PreloadResponseOrder& order) {
  add_errand([this, order] {
    engine::Engine* engine = engine_for(order.spec());
    if (engine == nullptr) return;
    const absl::Status status = engine::guarded(
        [&] { return engine->preload(order.spec(), order.plan(), parts_.responses); });
    parts_.logger.info("response preloaded", {{"response", order.plan().response_key()},
                                              {"error", std::string(status.message())}});
    if (reason_of(status) != "DEVICE_FAILED") return;
    if (read_health_again_) read_health_again_();
    post([](SessionCore& core, Duration at) { return core.device_failed(at); });
  });
}

void Agent::evict(const std::string& key) {
  add_errand([this, key] {
    const absl::Status status = parts_.responses.evict(key);
    parts_.logger.info("response evicted",
                       {{"response", key}, {"error", std::string(status.message())}});
  });
}

void Agent::add_errand(std::function<void()> errand) {
  const MutexLock lock(mutex_);
  errands_.push_back(std::move(errand));
  changed_.notify_all();
}

void Agent::run_errands() {
  for (;;) {
    std::function<void()> errand;
    {
      const MutexLock lock(mutex_);
      while (errands_.empty() && !closing_) changed_.wait(mutex_);
      if (closing_) return;
      errand = std::move(errands_.front());
      errands_.pop_front();
    }
    errand();
  }
}

}  // namespace unfold::agent
