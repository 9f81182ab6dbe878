#include "server/rpc/watch_stream.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "server/rpc/call.h"
#include "server/rpc/status.h"

namespace unfold::server {
namespace {

constexpr std::size_t kMostPending = 200'000;
constexpr int kPage = 500;
constexpr Duration kBookmarkEvery = std::chrono::seconds(10);

absl::Status list_again(std::string what, std::string why) {
  return error({.code = absl::StatusCode::kOutOfRange,
                .reason = "REVISION_COMPACTED",
                .field = "from_revision",
                .what = std::move(what),
                .why = std::move(why),
                .remedy = "list the jobs and watch from the listing's revision"});
}

// One message is in flight at a time; `busy_` says who prepares it. Whoever sets it (a new change,
// a finished write, the start) goes through advance() and clears it only with nothing left to say.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchEvent>,
                          public JobFeed::Subscriber,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(const Backend& backend, grpc::CallbackServerContext* context,
              const v1::WatchRequest& request)
      : backend_(backend), context_(context), request_(request), began_(backend.clock.now()) {}

  void start() {
    self_ = shared_from_this();
    backend_.metrics.watch_streams.at({}).Increment();
    last_write_ = began_.monotonic;
    backend_.feed.subscribe(self_, {.job_id = request_.job_id(), .exposure = request_.exposure()});
    const bool narrow = !request_.job_id().empty() || !request_.exposure().empty();
    initial_ = request_.from_revision() == 0 && narrow;
    catching_up_ = request_.from_revision() > 0 || initial_;
    shown_ = request_.from_revision();
    if (auto bad = check(); !bad.ok()) {
      end(std::move(bad));
    } else {
      advance();
    }
  }

  void offer(const JobPtr& job) override {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      const auto added = pending_.add(job);
      if (added == PendingChanges::Added::kReplacedOlder) {
        backend_.metrics.watch_events.at({"coalesced"}).Increment();
      }
      if (pending_.size() > kMostPending) {
        ended_ = list_again("this watch is too slow",
                            absl::StrCat(kMostPending, " changes wait for it"));
      }
      if (std::exchange(busy_, true)) return;
    }
    advance();
  }

  void tick(std::int64_t revision, Time now) override {
    {
      const std::lock_guard lock(mutex_);
      if (busy_ || ended_ || now.monotonic - last_write_ < kBookmarkEvery) return;
      busy_ = true;
    }
    event_.Clear();
    event_.set_revision(revision);
    write();
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      advance();
    } else {
      end(absl::CancelledError("the watcher went away"));
    }
  }
  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      if (!ended_) ended_ = absl::CancelledError("the watcher went away");
      if (std::exchange(busy_, true)) return;  // the write in flight fails and ends it
    }
    advance();
  }
  void OnDone() override {
    backend_.feed.unsubscribe(this);
    backend_.metrics.watch_streams.at({}).Decrement();
    self_.reset();
  }

 private:
  absl::Status check() const {
    const std::int64_t newest = backend_.store.revision();
    if (request_.from_revision() > newest) {
      return list_again(absl::StrCat("revision ", request_.from_revision(), " is not known"),
                        absl::StrCat("the newest is ", newest));
    }
    if (request_.job_id().empty()) return absl::OkStatus();
    return backend_.store.get(request_.job_id()).status();
  }

  // Called with busy_ held by the caller: writes the next event, or releases busy_.
  void advance() {
    for (;;) {
      if (backlog_.empty() && catching_up_) read_backlog();
      const std::lock_guard lock(mutex_);
      if (ended_) {
        finish(*ended_);
        return;
      }
      JobPtr next = take();
      if (next != nullptr) {
        prepare(*next);
        break;
      }
      if (catching_up_) continue;
      busy_ = false;
      return;
    }
    write();
  }

  // What the feed offers may have been read from the store already.
  JobPtr take() {
    JobPtr job;
    if (!backlog_.empty()) {
      job = std::move(backlog_.front());
      backlog_.pop_front();
      return job;
    }
    if (catching_up_) return nullptr;
    do {
      job = pending_.take();
    } while (job != nullptr && job->revision() <= shown_);
    return job;
  }

  void read_backlog() {
    const auto jobs = backend_.store.changes({.from_revision = shown_,
                                              .job_id = request_.job_id(),
                                              .exposure = request_.exposure(),
                                              .limit = kPage});
    if (!jobs.ok()) {
      const std::lock_guard lock(mutex_);
      ended_ = jobs.status();
      return;
    }
    for (const v1::Job& job : *jobs) backlog_.push_back(std::make_shared<v1::Job>(job));
    if (!jobs->empty()) shown_ = jobs->back().revision();
    catching_up_ = jobs->size() == kPage;
  }

  void prepare(const v1::Job& job) {
    event_.Clear();
    event_.set_revision(job.revision());
    *event_.mutable_job() = job;
    event_.set_initial(initial_ && job.revision() <= shown_);
    shown_ = std::max(shown_, job.revision());
  }

  void write() {
    last_write_ = backend_.clock.now().monotonic;
    backend_.metrics.watch_events.at({"sent"}).Increment();
    StartWrite(&event_);
  }

  void end(absl::Status why) {
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = std::move(why);
    finish(*ended_);
  }

  void finish(const absl::Status& status) {
    record_call(backend_, Rpc::kWatch, began_, status);
    Finish(to_grpc(status, *context_));
  }

  const Backend& backend_;
  grpc::CallbackServerContext* const context_;
  const v1::WatchRequest request_;
  const Time began_;
  std::shared_ptr<WatchStream> self_;

  // Owned by whoever holds busy_.
  v1::WatchEvent event_;
  std::deque<JobPtr> backlog_;
  std::int64_t shown_ = 0;  // everything up to this revision is in the backlog or was sent
  bool catching_up_ = false;
  bool initial_ = false;

  std::mutex mutex_;
  bool busy_ = true;                   // guarded by mutex_
  PendingChanges pending_;             // guarded by mutex_
  std::optional<absl::Status> ended_;  // guarded by mutex_
  Duration last_write_{};              // written by the holder of busy_
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchEvent>* watch(const Backend& backend,
                                                grpc::CallbackServerContext* context,
                                                const v1::WatchRequest& request) {
  const auto stream = std::make_shared<WatchStream>(backend, context, request);
  stream->start();
  return stream.get();
}

}  // namespace unfold::server
