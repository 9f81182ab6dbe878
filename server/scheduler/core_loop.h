#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "server/jobs/job_store.h"
#include "server/scheduler/core.h"

namespace unfold::server {

/// The one writer thread: owns Core and the store's writer side. It takes all events that wait,
/// steps each, commits their writes in one transaction (group commit), and only then replies and
/// sends. After a failed commit every reply of the batch is UNAVAILABLE, every session is closed
/// and Core is made anew from the store.
///
/// post() and read() are thread safe. The handlers run on the loop's thread, in order, and must
/// not block or call read().
class CoreLoop {
 public:
  struct Batch {  ///< one commit, for metrics
    std::size_t events = 0;
    Duration commit{};
    bool ok = true;
  };
  struct Handlers {
    std::function<void(Reply)> reply;
    std::function<void(Send)> send;
    std::function<void(CloseSession)> close;
    std::function<void(const std::vector<StoreWrite>&)> committed;  ///< feeds the watchers
    std::function<void(const JobEvent&)> log;
    std::function<void(const Batch&)> measured;  ///< may be empty
  };

  /// Loads the store and starts the thread. `store`, `clock` and `ids` must outlive the loop.
  static absl::StatusOr<std::unique_ptr<CoreLoop>> start(CoreConfig config, JobStore& store,
                                                         const Clock& clock, IdSource& ids,
                                                         Handlers handlers);
  ~CoreLoop();  ///< as stop()
  CoreLoop(const CoreLoop&) = delete;
  CoreLoop& operator=(const CoreLoop&) = delete;

  void post(Event event);

  using Reader = std::function<void(const Core&, Time)>;
  /// `reader` runs on the loop's thread between two commits; it sees only durable state.
  void post_read(Reader reader);
  /// The same, waiting for its result.
  template <class F>
  auto read(F f) -> std::invoke_result_t<F, const Core&, Time> {
    using Result = std::invoke_result_t<F, const Core&, Time>;
    auto promise = std::make_shared<std::promise<Result>>();
    auto result = promise->get_future();
    post_read([promise, f = std::move(f)](const Core& core, Time now) {
      promise->set_value(f(core, now));
    });
    return result.get();
  }

  /// Handles what was posted, then ends the thread. Later posts are dropped.
  void stop();

 private:
  CoreLoop(CoreConfig config, JobStore& store, const Clock& clock, IdSource& ids,
           Handlers handlers);

  struct Pending {
    Effects effects;
    std::vector<Token> tokens;
    std::size_t events = 0;
  };

  void run();
  bool take(std::deque<Event>& events, std::deque<Reader>& readers);
  void handle(std::deque<Event>& events);
  void step(Event& event, Pending& pending);
  absl::Status fill_stored(Event& event, Pending& pending);
  void commit(Pending& pending);
  void deliver(Effects& effects);
  void complete(Reply& reply);
  void fail(Pending& pending, const absl::Status& why);
  bool rebuild();

  const CoreConfig config_;
  JobStore& store_;
  const Clock& clock_;
  IdSource& ids_;
  const Handlers handlers_;
  std::optional<Core> core_;         // loop's thread only
  std::optional<Duration> wake_at_;  // loop's thread only
  std::vector<SessionId> sessions_;  // open ones; loop's thread only

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Event> events_;    // guarded by mutex_
  std::deque<Reader> readers_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::thread thread_;
};

}  // namespace unfold::server
