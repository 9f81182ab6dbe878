#include "workers/residency/response_cache.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/mutex.h"
#include "workers/residency/idle_workspaces.h"

namespace unfold::residency {
namespace {

absl::Status no_room(std::int64_t wanted, std::int64_t held, std::int64_t budget) {
  return error({.code = absl::StatusCode::kResourceExhausted,
                .reason = "RESPONSE_MEMORY",
                .field = "",
                .what = absl::StrCat("no room for ", wanted, " bytes"),
                .why = absl::StrCat(held, " of ", budget, " bytes are in use by running jobs"),
                .remedy = "give the worker more --memory or fewer --slots"});
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

class Cache final : public ResponseCache {
 public:
  Cache(std::int64_t budget_bytes, std::shared_ptr<const Clock> clock)
      : budget_bytes_(budget_bytes), clock_(std::move(clock)) {}

  absl::StatusOr<Acquired> acquire(const Key& key, const Loader& load) override;
  absl::StatusOr<std::unique_ptr<Reservation>> reserve(const Work& work) override;
  absl::Status evict(const std::string& key) override;
  std::vector<Resident> list() const override;
  std::int64_t budget_bytes() const override { return budget_bytes_; }
  std::int64_t resident_bytes() const override {
    const MutexLock lock(mutex_);
    return used_bytes_;
  }
  WorkspaceBytes workspace_bytes() const override {
    const MutexLock lock(mutex_);
    return {.reserved = reserved_bytes_, .idle = idle_.bytes()};
  }

 private:
  class Room final : public Reservation {
   public:
    Room(Cache& cache, const Work& work) : cache_(cache), work_(work) {}
    ~Room() override { cache_.end(work_, std::move(workspace)); }

   private:
    Cache& cache_;
    Work work_;
  };
  struct Entry {
    std::string engine;
    std::int64_t bytes = 0;  // on the ledger
    std::int64_t uses = 0;
    double load_seconds = 0;
    Duration last_used{};
    bool loading = true;
    int waiting = 0;  // for the load that another caller does
    absl::Status failure;
    std::shared_ptr<const Response> response;

    // Only the cache itself holds it; new holders come through the mutex, so 1 stays 1.
    bool held() const { return loading || waiting > 0 || response.use_count() > 1; }
    double worth() const {
      return load_seconds * static_cast<double>(uses) /
             static_cast<double>(std::max<std::int64_t>(bytes, 1));
    }
  };
  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  absl::StatusOr<Acquired> use(Entry& entry, bool hit) UNFOLD_REQUIRES(mutex_);
  absl::StatusOr<Acquired> load_into(const std::string& key, const std::shared_ptr<Entry>& entry,
                                     const Loader& load) UNFOLD_EXCLUDES(mutex_);
  /// For another caller's load of an entry that counts this one as waiting.
  absl::StatusOr<Acquired> wait_for(Entry& entry,
                                    const std::function<absl::Status()>& while_waiting)
      UNFOLD_EXCLUDES(mutex_);
  absl::StatusOr<Acquired> settle(const std::string& key, const std::shared_ptr<Entry>& entry,
                                  absl::StatusOr<std::shared_ptr<const Response>> loaded,
                                  double load_seconds) UNFOLD_EXCLUDES(mutex_);
  absl::Status make_room(std::int64_t bytes, const std::string& kept = "") UNFOLD_REQUIRES(mutex_);
  Entries::iterator victim(const std::string& kept) UNFOLD_REQUIRES(mutex_);
  void drop(Entries::iterator entry) UNFOLD_REQUIRES(mutex_);
  void end(const Work& work, std::shared_ptr<Workspace> workspace) UNFOLD_EXCLUDES(mutex_);
  std::int64_t taken() const UNFOLD_REQUIRES(mutex_) {
    return used_bytes_ + reserved_bytes_ + idle_.bytes();
  }

  const std::int64_t budget_bytes_;
  const std::shared_ptr<const Clock> clock_;
  mutable Mutex mutex_;
  Condition settled_;
  Entries entries_ UNFOLD_GUARDED_BY(mutex_);
  std::int64_t used_bytes_ UNFOLD_GUARDED_BY(mutex_) = 0;  // by responses
  std::int64_t reserved_bytes_ UNFOLD_GUARDED_BY(mutex_) = 0;
  IdleWorkspaces idle_ UNFOLD_GUARDED_BY(mutex_);
};

absl::StatusOr<ResponseCache::Acquired> Cache::acquire(const Key& key, const Loader& load) {
  std::shared_ptr<Entry> entry;
  bool mine = false;
  {
    const MutexLock lock(mutex_);
    if (const auto found = entries_.find(key.key); found != entries_.end()) {
      entry = found->second;
      if (!entry->loading) return use(*entry, true);
      ++entry->waiting;
    } else {
      if (absl::Status room = make_room(key.expected_bytes); !room.ok()) return room;
      entry = std::make_shared<Entry>();
      entry->engine = key.engine;
      entry->bytes = key.expected_bytes;
      used_bytes_ += entry->bytes;
      entries_.emplace(key.key, entry);
      mine = true;
    }
  }
  return mine ? load_into(key.key, entry, load) : wait_for(*entry, key.while_waiting);
}

absl::StatusOr<ResponseCache::Acquired> Cache::wait_for(
    Entry& entry, const std::function<absl::Status()>& while_waiting) {
  constexpr std::chrono::seconds kBetweenQuestions{1};
  for (absl::Status go_on;; go_on = while_waiting ? while_waiting() : absl::OkStatus()) {
    const MutexLock lock(mutex_);
    if (entry.loading && go_on.ok()) settled_.wait_for(mutex_, kBetweenQuestions);
    if (entry.loading && go_on.ok()) continue;
    --entry.waiting;
    if (entry.loading) return go_on;
    if (!entry.failure.ok()) return entry.failure;
    return use(entry, false);
  }
}

absl::StatusOr<ResponseCache::Acquired> Cache::use(Entry& entry, bool hit) {
  ++entry.uses;
  entry.last_used = clock_->now().monotonic;
  return Acquired{entry.response, hit, hit ? 0.0 : entry.load_seconds};
}

absl::StatusOr<ResponseCache::Acquired> Cache::load_into(const std::string& key,
                                                         const std::shared_ptr<Entry>& entry,
                                                         const Loader& load) {
  const Duration begin = clock_->now().monotonic;
  try {
    auto loaded = load();
    return settle(key, entry, std::move(loaded), seconds(clock_->now().monotonic - begin));
  } catch (...) {  // those who wait for this load must not wait for ever
    settle(key, entry, absl::InternalError("loading a response threw"), 0).IgnoreError();
    throw;
  }
}

absl::StatusOr<ResponseCache::Acquired> Cache::settle(
    const std::string& key, const std::shared_ptr<Entry>& entry,
    absl::StatusOr<std::shared_ptr<const Response>> loaded, double load_seconds) {
  const MutexLock lock(mutex_);
  entry->failure = loaded.status();
  if (loaded.ok()) {
    const std::int64_t bytes = (*loaded)->bytes();
    entry->failure = make_room(bytes - entry->bytes);
    if (entry->failure.ok()) {
      used_bytes_ += bytes - entry->bytes;
      entry->bytes = bytes;
      entry->response = *std::move(loaded);
      entry->load_seconds = load_seconds;
    }
  }
  entry->loading = false;
  settled_.notify_all();
  if (entry->failure.ok()) return use(*entry, false);
  drop(entries_.find(key));
  return entry->failure;
}

absl::StatusOr<std::unique_ptr<ResponseCache::Reservation>> Cache::reserve(const Work& work) {
  const MutexLock lock(mutex_);
  auto idle = idle_.take(work.engine, work.bytes);  // its bytes are among those asked for
  if (absl::Status room = make_room(work.bytes, work.kept); !room.ok()) return room;
  reserved_bytes_ += work.bytes;
  auto out = std::make_unique<Room>(*this, work);
  out->workspace = std::move(idle);
  return out;
}

void Cache::end(const Work& work, std::shared_ptr<Workspace> workspace) {
  const std::int64_t bytes = workspace == nullptr ? 0 : workspace->bytes();
  const MutexLock lock(mutex_);
  reserved_bytes_ -= work.bytes;
  if (bytes == 0 || taken() + bytes > budget_bytes_) return workspace.reset();
  idle_.keep(work.engine, work.bytes, std::move(workspace));
}

absl::Status Cache::make_room(std::int64_t bytes, const std::string& kept) {
  while (taken() + bytes > budget_bytes_ && !idle_.empty()) idle_.drop_oldest();
  while (taken() + bytes > budget_bytes_) {
    const auto least = victim(kept);
    if (least == entries_.end()) return no_room(bytes, taken(), budget_bytes_);
    drop(least);
  }
  return absl::OkStatus();
}

Cache::Entries::iterator Cache::victim(const std::string& kept) {
  auto least = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->second->held() || it->first == kept) continue;
    const auto rank = [](const Entry& entry) { return std::pair(entry.worth(), entry.last_used); };
    if (least == entries_.end() || rank(*it->second) < rank(*least->second)) least = it;
  }
  return least;
}

void Cache::drop(Entries::iterator entry) {
  used_bytes_ -= entry->second->bytes;
  entries_.erase(entry);
}

absl::Status Cache::evict(const std::string& key) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return error({.code = absl::StatusCode::kNotFound,
                  .reason = "RESPONSE_NOT_RESIDENT",
                  .field = "key",
                  .what = absl::StrCat("cannot evict ", key),
                  .why = "it is not resident",
                  .remedy = ""});
  }
  if (found->second->held()) {
    return error({.code = absl::StatusCode::kFailedPrecondition,
                  .reason = "RESPONSE_HELD",
                  .field = "key",
                  .what = absl::StrCat("cannot evict ", key),
                  .why = "a running job holds it",
                  .remedy = "evict it when the job has ended"});
  }
  drop(found);
  return absl::OkStatus();
}

std::vector<Resident> Cache::list() const {
  const MutexLock lock(mutex_);
  const Duration now = clock_->now().monotonic;
  std::vector<Resident> out;
  for (const auto& [key, entry] : entries_) {
    if (entry->loading) continue;
    out.push_back({.key = key,
                   .engine = entry->engine,
                   .bytes = entry->bytes,
                   .uses = entry->uses,
                   .holders = entry->response.use_count() - 1,
                   .load_seconds = entry->load_seconds,
                   .idle_seconds = seconds(now - entry->last_used)});
  }
  return out;
}

}  // namespace

std::unique_ptr<ResponseCache> make_response_cache(std::int64_t budget_bytes,
                                                   std::shared_ptr<const Clock> clock) {
  return std::make_unique<Cache>(budget_bytes, std::move(clock));
}

}  // namespace unfold::residency
