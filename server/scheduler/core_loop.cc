#include "server/scheduler/core_loop.h"

#include <algorithm>
#include <chrono>

#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::server {
namespace {

constexpr Duration kRebuildPause = std::chrono::seconds(1);

Token token_of(const Event& event) {
  return std::visit(
      [](const auto& e) -> Token {
        if constexpr (requires { e.token; }) return e.token;
        return 0;
      },
      event);
}

absl::Status unavailable(const absl::Status& why) {
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = reason_of(why).empty() ? "STORE_IO" : reason_of(why),
                .field = "",
                .what = "the scheduler cannot store anything now",
                .why = std::string(why.message()),
                .remedy = "try again with the same request_id"});
}

}  // namespace

absl::StatusOr<std::unique_ptr<CoreLoop>> CoreLoop::start(CoreConfig config, JobStore& store,
                                                          const Clock& clock, IdSource& ids,
                                                          Handlers handlers) {
  std::unique_ptr<CoreLoop> loop(new CoreLoop(config, store, clock, ids, std::move(handlers)));
  UNFOLD_ASSIGN_OR_RETURN(Snapshot snapshot, store.load());
  loop->core_.emplace(config, std::move(snapshot), ids, clock.now());
  loop->wake_at_ = clock.now().monotonic;  // the first Tick commits what the restart decided
  loop->thread_ = std::thread([raw = loop.get()] { raw->run(); });
  return loop;
}

CoreLoop::CoreLoop(CoreConfig config, JobStore& store, const Clock& clock, IdSource& ids,
                   Handlers handlers)
    : config_(config), store_(store), clock_(clock), ids_(ids), handlers_(std::move(handlers)) {}

CoreLoop::~CoreLoop() { stop(); }

void CoreLoop::post(Event event) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  events_.push_back(std::move(event));
  posted_.notify_one();
}

void CoreLoop::post_read(Reader reader) {
  const std::lock_guard lock(mutex_);
  readers_.push_back(std::move(reader));
  posted_.notify_one();
}

void CoreLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    posted_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

/// Waits for work; false when there is none left and the loop is to stop.
bool CoreLoop::take(std::deque<Event>& events, std::deque<Reader>& readers) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return stopping_ || !events_.empty() || !readers_.empty(); };
  if (wake_at_) {
    posted_.wait_for(lock, *wake_at_ - clock_.now().monotonic, ready);
  } else {
    posted_.wait(lock, ready);
  }
  events.swap(events_);
  readers.swap(readers_);
  return !stopping_ || !events.empty() || !readers.empty();
}

void CoreLoop::run() {
  std::deque<Event> events;
  std::deque<Reader> readers;
  while (take(events, readers)) {
    if (events.empty() && wake_at_ && *wake_at_ <= clock_.now().monotonic) {
      events.emplace_back(Tick{});
    }
    handle(events);
    events.clear();
    for (const Reader& reader : readers) reader(*core_, clock_.now());
    readers.clear();
  }
}

void CoreLoop::handle(std::deque<Event>& events) {
  Pending pending;
  for (Event& event : events) step(event, pending);
  commit(pending);
}

void CoreLoop::step(Event& event, Pending& pending) {
  const Token token = token_of(event);
  if (const absl::Status filled = fill_stored(event, pending); !filled.ok()) {
    return handlers_.reply({token, filled});
  }
  if (const auto* message = std::get_if<SessionMessage>(&event)) {
    if (message->message.has_hello()) sessions_.push_back(message->session);
  }
  if (const auto* closed = std::get_if<SessionClosed>(&event)) {
    std::erase(sessions_, closed->session);
  }
  if (token != 0) pending.tokens.push_back(token);
  Effects effects = core_->step(event, clock_.now());
  ++pending.events;
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(pending.effects.writes, effects.writes);
  append(pending.effects.replies, effects.replies);
  append(pending.effects.sends, effects.sends);
  append(pending.effects.closes, effects.closes);
  append(pending.effects.log, effects.log);
  pending.effects.wake_at = effects.wake_at;
}

/// A question about a final job is answered from the store, which must know all of this batch.
absl::Status CoreLoop::fill_stored(Event& event, Pending& pending) {
  auto* cancel = std::get_if<CancelJobRequest>(&event);
  auto* retry = std::get_if<RetryJobRequest>(&event);
  if (cancel == nullptr && retry == nullptr) return absl::OkStatus();
  const std::string& id = cancel != nullptr ? cancel->job_id : retry->job_id;
  if (core_->live_job(id) != nullptr) return absl::OkStatus();
  commit(pending);
  UNFOLD_ASSIGN_OR_RETURN(v1::Job job, store_.get(id));
  if (cancel != nullptr) {
    cancel->stored = std::move(job);
    return absl::OkStatus();
  }
  UNFOLD_ASSIGN_OR_RETURN(retry->stored_intents, store_.intents(id));
  retry->stored = std::move(job);
  return absl::OkStatus();
}

void CoreLoop::commit(Pending& pending) {
  if (pending.events == 0) return;
  Pending done = std::exchange(pending, {});
  const Duration begin = clock_.now().monotonic;
  const absl::Status status = store_.commit(done.effects.writes, done.effects.log);
  if (handlers_.measured) {
    handlers_.measured(
        {.events = done.events, .commit = clock_.now().monotonic - begin, .ok = status.ok()});
  }
  if (!status.ok()) return fail(done, status);
  wake_at_ = done.effects.wake_at;
  deliver(done.effects);
}

void CoreLoop::deliver(Effects& effects) {
  if (!effects.writes.empty() && handlers_.committed) handlers_.committed(effects.writes);
  for (Reply& reply : effects.replies) {
    complete(reply);
    handlers_.reply(std::move(reply));
  }
  for (Send& send : effects.sends) handlers_.send(std::move(send));
  for (CloseSession& close : effects.closes) {
    std::erase(sessions_, close.session);
    handlers_.close(std::move(close));
  }
  if (!handlers_.log) return;
  for (const JobEvent& event : effects.log) handlers_.log(event);
}

/// What the core named by id only (it had ended before) is read from the store.
void CoreLoop::complete(Reply& reply) {
  if (!reply.body.ok()) return;
  auto* submitted = std::get_if<SubmitReply>(&*reply.body);
  if (submitted == nullptr) return;
  for (absl::StatusOr<v1::Job>& job : submitted->jobs) {
    if (job.ok() && job->state() == v1::JOB_STATE_UNSPECIFIED) job = store_.get(job->id());
  }
  if (!submitted->exposure) return;
  if (auto exposure = store_.exposure(submitted->exposure->id()); exposure.ok()) {
    submitted->exposure = *std::move(exposure);
  }
}

void CoreLoop::fail(Pending& pending, const absl::Status& why) {
  for (const Token token : pending.tokens) handlers_.reply({token, unavailable(why)});
  for (const SessionId session : std::exchange(sessions_, {})) {
    handlers_.close({session, "the scheduler could not store its state and starts again"});
  }
  while (!rebuild()) {
    std::unique_lock lock(mutex_);
    if (posted_.wait_for(lock, kRebuildPause, [this] { return stopping_; })) return;
  }
}

bool CoreLoop::rebuild() {
  auto snapshot = store_.load();
  if (!snapshot.ok()) return false;
  core_.emplace(config_, *std::move(snapshot), ids_, clock_.now());
  wake_at_ = clock_.now().monotonic + kRebuildPause;
  return true;
}

}  // namespace unfold::server
