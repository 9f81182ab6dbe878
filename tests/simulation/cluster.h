#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/memory_job_store.h"
#include "server/scheduler/core.h"
#include "tests/simulation/files.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/random.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::simulation {

enum class Kind : char { kRead, kWork, kCrash, kTime, kRestart };
struct Action {
  Kind kind{};
  int worker = 0;
};

enum class Stage : char { kIdle, kBegin, kWrite, kAsk, kWaitGrant, kCheck, kRename, kReport };

struct Letter {
  v1::SchedulerMessage message;
  Duration sent{};
};

struct Member {
  int life = 0;
  server::SessionId session = 0;
  std::deque<Letter> inbox;
  Stage stage = Stage::kIdle;
  v1::Assign assign;
  Duration valid_until{};
  bool alive_when_checked = false;
  std::unique_ptr<Publication> publication;
  bool may_crash = true;
};

/// A small cluster that goes forward by one action at a time: the core and the publication are the
/// real ones.
class Cluster {
 public:
  explicit Cluster(int jobs);
  std::vector<Action> enabled() const;
  void perform(Action action);
  const std::string& violation() const { return invariants_.violation(); }
  bool settled() const { return invariants_.unfinished().empty(); }
  /// All that can be seen from outside.
  std::string fingerprint() const;

 private:
  static std::string name(int worker) { return absl::StrCat("worker", worker); }
  Member& member(int worker) { return members_[static_cast<std::size_t>(worker)]; }

  void submit(int number);
  void post(const server::Event& event);
  void check_exclusive(const server::LeaseRow& lease);
  void hello(int worker);
  void crash(int worker);
  void restart();
  void read(int worker);
  /// One step of a worker. Any other step of the cluster may come before the next.
  void work(int worker);
  std::vector<Publication::Output> outputs(const v1::Assign& assign) const;
  void begin(int worker);
  void write(int worker);
  void ask(int worker);
  static void discard(Member& one);
  void report(int worker, bool succeeded, std::int64_t recovered);
  /// This worker does one thing at a time: what comes meanwhile goes back.
  void give_back(int worker, const v1::Assign& assign);

  static constexpr int kWorkers = 2;
  Time now_{.monotonic = std::chrono::hours(1), .unix_ns = 1'795'000'000'000'000'000};
  RandomIds ids_{7};
  server::MemoryJobStore store_;
  std::optional<server::Core> core_;
  std::shared_ptr<Folder> files_ = std::make_shared<Folder>();
  Invariants invariants_{*files_};
  std::array<Member, kWorkers> members_;
  server::SessionId sessions_ = 0;
  int times_ = 3;
  int restarts_ = 2;
};

}  // namespace unfold::simulation
