// Every order of events of a small cluster: two workers, one or two jobs, each worker may die once,
// the scheduler may restart twice, leases may end three times, and a worker may stop for any time
// between any two steps of its publication. The core and the publication are the real ones. States
// that look the same from outside (store, files, workers, messages on their way, leases, clock) are
// explored once.

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/memory_job_store.h"
#include "server/scheduler/core.h"
#include "tests/simulation/files.h"
#include "tests/simulation/invariants.h"
#include "tests/simulation/random.h"

namespace unfold::simulation {
namespace {

constexpr Duration kLease = std::chrono::seconds(15);
constexpr Duration kLeaseEnd = std::chrono::seconds(16);
constexpr int kWorkers = 2;

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

class Cluster {
 public:
  explicit Cluster(int jobs) {
    for (int i = 0; i < kWorkers; ++i) invariants_.add_worker(name(i), {1, INT64_MAX});
    core_.emplace(server::CoreConfig{}, server::Snapshot{}, ids_, now_);
    for (int i = 0; i < jobs; ++i) submit(i);
    for (int i = 0; i < kWorkers; ++i) hello(i);
  }

  std::vector<Action> enabled() const {
    std::vector<Action> actions;
    for (int i = 0; i < kWorkers; ++i) {
      const Member& member = members_[static_cast<std::size_t>(i)];
      if (!member.inbox.empty()) actions.push_back({Kind::kRead, i});
      if (member.stage != Stage::kIdle && member.stage != Stage::kWaitGrant) {
        actions.push_back({Kind::kWork, i});
      }
      if (member.may_crash && member.stage != Stage::kIdle) actions.push_back({Kind::kCrash, i});
    }
    if (times_ > 0) actions.push_back({Kind::kTime, 0});
    if (restarts_ > 0) actions.push_back({Kind::kRestart, 0});
    return actions;
  }

  void perform(Action action) {
    switch (action.kind) {
      case Kind::kRead:
        read(action.worker);
        break;
      case Kind::kWork:
        work(action.worker);
        break;
      case Kind::kCrash:
        crash(action.worker);
        break;
      case Kind::kTime:
        --times_;
        now_.monotonic += kLeaseEnd;
        now_.unix_ns += kLeaseEnd.count();
        post(server::Tick{});
        break;
      case Kind::kRestart:
        restart();
        break;
    }
    invariants_.check_files();
  }

  const std::string& violation() const { return invariants_.violation(); }
  bool settled() const { return invariants_.unfinished().empty(); }

  /// All that can be seen from outside.
  std::string fingerprint() const {
    std::string out = absl::StrCat(times_, restarts_, now_.monotonic.count(), ";");
    for (const auto& [id, job] : invariants_.jobs()) {
      v1::Job plain = job;
      plain.clear_revision();
      absl::StrAppend(&out, plain.SerializeAsString(), ";");
    }
    for (const auto& [file, content] : files_->files()) {
      absl::StrAppend(&out, file, ":", content.fence, ";");
    }
    for (const Member& member : members_) {
      absl::StrAppend(&out, static_cast<int>(member.stage), member.life, member.may_crash,
                      member.alive_when_checked, member.valid_until.count(),
                      member.assign.lease_id());
      for (const Letter& letter : member.inbox) out += letter.message.SerializeAsString();
    }
    for (const v1::Worker& worker : core_->workers(now_)) out += worker.SerializeAsString();
    for (const auto& [id, job] : invariants_.jobs()) {
      if (const auto why = core_->explain(id, now_); why.ok()) out += why->SerializeAsString();
    }
    return out;
  }

 private:
  static std::string name(int worker) { return absl::StrCat("worker", worker); }
  Member& member(int worker) { return members_[static_cast<std::size_t>(worker)]; }

  void submit(int number) {
    server::NewJob job;
    job.engine = "probe";
    job.submitter = "someone";
    job.request_id = absl::StrCat("request", number);
    job.spec.mutable_probe()->set_output(absl::StrCat("product", number));
    post(server::SubmitJobs{.token = 1,
                            .jobs = {job},
                            .exposure = {},
                            .exposure_request_id = "",
                            .exposure_request_digest = ""});
  }

  void post(const server::Event& event) {
    const server::Effects effects = core_->step(event, now_);
    for (const server::StoreWrite& write : effects.writes) {
      if (const auto* put = std::get_if<server::PutLease>(&write)) check_exclusive(put->lease);
    }
    if (!store_.commit(effects.writes, effects.log).ok()) invariants_.fail("a commit was refused");
    invariants_.committed(effects.writes);
    for (const server::Send& send : effects.sends) {
      for (Member& one : members_) {
        if (one.session == send.session) one.inbox.push_back({send.message, now_.monotonic});
      }
    }
  }

  void check_exclusive(const server::LeaseRow& lease) {
    for (const Member& one : members_) {
      const bool holds = one.stage != Stage::kIdle && one.assign.job_id() == lease.job_id &&
                         one.assign.fence() != lease.fence && now_.monotonic < one.valid_until;
      if (holds) invariants_.fail("a job was assigned while another worker's lease was alive");
    }
  }

  void hello(int worker) {
    Member& one = member(worker);
    one.session = ++sessions_;
    one.inbox.clear();
    v1::WorkerMessage message;
    v1::Hello& hello = *message.mutable_hello();
    hello.set_worker(name(worker));
    hello.set_incarnation(absl::StrCat("life", one.life));
    hello.add_engines("probe");
    hello.set_slots(1);
    if (one.stage != Stage::kIdle) {
      v1::HeldLease& held = *hello.add_held_leases();
      held.set_lease_id(one.assign.lease_id());
      held.set_job_id(one.assign.job_id());
      held.set_fence(one.assign.fence());
    }
    post(server::SessionMessage{one.session, message});
    if (one.stage == Stage::kWaitGrant) one.stage = Stage::kAsk;
  }

  void crash(int worker) {
    Member& one = member(worker);
    one.may_crash = false;
    one.stage = Stage::kIdle;
    one.publication.reset();
    ++one.life;
    post(server::SessionClosed{one.session});
    hello(worker);
  }

  void restart() {
    --restarts_;
    core_.emplace(server::CoreConfig{}, *store_.load(), ids_, now_);
    for (int i = 0; i < kWorkers; ++i) hello(i);
  }

  void read(int worker) {
    Member& one = member(worker);
    const Letter letter = std::move(one.inbox.front());
    one.inbox.pop_front();
    const v1::SchedulerMessage& message = letter.message;
    if (message.has_assign()) {
      if (one.stage != Stage::kIdle) return give_back(worker, message.assign());
      one.assign = message.assign();
      one.valid_until = letter.sent + kLease;
      one.stage = Stage::kBegin;
    } else if (message.has_abandon() && message.abandon().lease_id() == one.assign.lease_id()) {
      if (one.publication && one.stage != Stage::kIdle) discard(one);
      one.stage = Stage::kIdle;
    } else if (message.has_publish_grant() && one.stage == Stage::kWaitGrant &&
               message.publish_grant().lease_id() == one.assign.lease_id()) {
      if (!message.publish_grant().granted()) return report(worker, false, 0);
      one.stage = Stage::kCheck;
    } else if (message.has_welcome()) {
      for (const std::string& id : message.welcome().adopted_leases()) {
        if (id == one.assign.lease_id()) one.valid_until = letter.sent + kLease;
      }
    }
  }

  /// One step of a worker. Any other step of the cluster may come before the next.
  void work(int worker) {
    Member& one = member(worker);
    switch (one.stage) {
      case Stage::kBegin:
        return begin(worker);
      case Stage::kWrite:
        return write(worker);
      case Stage::kAsk:
        one.stage = Stage::kWaitGrant;
        return ask(worker);
      case Stage::kCheck:
        one.alive_when_checked = now_.monotonic < one.valid_until;
        one.stage = Stage::kRename;
        return;
      case Stage::kRename:
        if (!one.publication->step().ok()) return report(worker, false, 0);
        one.stage = Stage::kReport;
        return;
      case Stage::kReport:
        return report(worker, true, 0);
      default:
        return;
    }
  }

  std::vector<Publication::Output> outputs(const v1::Assign& assign) const {
    const std::string& file = assign.spec().probe().output();
    return {{files_, file, absl::StrCat("out:", file)}};
  }

  void begin(int worker) {
    Member& one = member(worker);
    for (const v1::RecordedIntent& intent : one.assign.intents()) {
      RecordedPublication recorded{.fence = intent.fence(), .outputs = {}};
      for (const v1::OutputFile& output : intent.outputs()) {
        recorded.outputs.push_back({output.path(), {output.size_bytes(), output.sha256()}});
      }
      if (*recover_publication(outputs(one.assign), recorded, false)) {
        return report(worker, true, intent.fence());
      }
    }
    const std::vector<std::int64_t> dead(one.assign.dead_fences().begin(),
                                         one.assign.dead_fences().end());
    sweep_parts(*files_, one.assign.spec().probe().output(), dead).IgnoreError();
    one.stage = Stage::kWrite;
  }

  void write(int worker) {
    Member& one = member(worker);
    const std::string& file = one.assign.spec().probe().output();
    Folder::File part;
    part.content.sha256 = absl::StrCat(file, " by ", one.assign.fence());
    part.job = one.assign.job_id();
    part.fence = one.assign.fence();
    files_->write(part_name(file, part.fence), part).IgnoreError();
    one.publication = std::make_unique<Publication>(
        outputs(one.assign), one.assign.fence(), false,
        Publication::Hooks{.verify = [](const auto&, const auto&) { return absl::OkStatus(); },
                           .intent = [](const auto&) { return absl::OkStatus(); },
                           .lease_alive = [&one] { return one.alive_when_checked; }});
    const bool written = one.publication->step().ok() && one.publication->step().ok();
    if (!written) return report(worker, false, 0);
    one.stage = Stage::kAsk;
  }

  void ask(int worker) {
    Member& one = member(worker);
    if (one.publication->next() == Publication::Step::kIntent)
      one.publication->step().IgnoreError();
    v1::WorkerMessage message;
    v1::PublishIntent& intent = *message.mutable_publish_intent();
    intent.set_lease_id(one.assign.lease_id());
    intent.set_job_id(one.assign.job_id());
    intent.set_fence(one.assign.fence());
    add_outputs(one, *intent.mutable_outputs());
    post(server::SessionMessage{one.session, message});
  }

  template <class Outputs>
  static void add_outputs(const Member& one, Outputs& outputs) {
    for (const auto& output : one.publication->published()) {
      v1::OutputFile& file = *outputs.Add();
      file.set_path(output.rooted_path);
      file.set_size_bytes(output.content.size_bytes);
      file.set_sha256(output.content.sha256);
    }
  }

  static void discard(Member& one) {
    one.alive_when_checked = false;
    one.publication->discard();
  }

  void report(int worker, bool succeeded, std::int64_t recovered) {
    Member& one = member(worker);
    if (!succeeded && one.publication) discard(one);
    v1::WorkerMessage message;
    v1::Finished& finished = *message.mutable_finished();
    finished.set_lease_id(one.assign.lease_id());
    finished.set_job_id(one.assign.job_id());
    finished.set_fence(one.assign.fence());
    finished.set_succeeded(succeeded);
    finished.set_recovered_fence(recovered);
    if (!succeeded) finished.set_error_class(v1::ERROR_CLASS_OUTPUT_ERROR);
    if (recovered != 0) {
      for (const v1::RecordedIntent& intent : one.assign.intents()) {
        if (intent.fence() == recovered) *finished.mutable_outputs() = intent.outputs();
      }
    } else if (succeeded) {
      add_outputs(one, *finished.mutable_outputs());
    }
    one.stage = Stage::kIdle;
    one.publication.reset();
    post(server::SessionMessage{one.session, message});
  }

  /// This worker does one thing at a time: what comes meanwhile goes back.
  void give_back(int worker, const v1::Assign& assign) {
    v1::WorkerMessage message;
    message.mutable_finished()->set_lease_id(assign.lease_id());
    message.mutable_finished()->set_fence(assign.fence());
    message.mutable_finished()->set_error_class(v1::ERROR_CLASS_ENGINE_ERROR);
    post(server::SessionMessage{member(worker).session, message});
  }

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

/// Depth-first over all orders of actions; a state is reached again by performing its path anew.
class Explorer {
 public:
  Explorer(int jobs, std::size_t most_states) : jobs_(jobs), most_states_(most_states) {}

  std::string explore() {
    std::vector<std::vector<Action>> open = {{}};
    while (!open.empty() && seen_.size() < most_states_) {
      const std::vector<Action> path = std::move(open.back());
      open.pop_back();
      Cluster cluster(jobs_);
      for (const Action action : path) cluster.perform(action);
      if (!cluster.violation().empty()) return describe(path, cluster.violation());
      if (!seen_.insert(std::hash<std::string>()(cluster.fingerprint())).second) continue;
      settled_ += cluster.settled() ? 1 : 0;
      for (const Action action : cluster.enabled()) {
        open.push_back(path);
        open.back().push_back(action);
      }
    }
    complete_ = open.empty();
    return "";
  }
  std::size_t states() const { return seen_.size(); }
  std::size_t settled() const { return settled_; }
  bool complete() const { return complete_; }

 private:
  static std::string describe(const std::vector<Action>& path, const std::string& violation) {
    std::string out = violation + ":";
    for (const Action action : path) {
      constexpr std::array<const char*, 5> kNames = {"read", "work", "crash", "time", "restart"};
      absl::StrAppend(&out, " ", kNames[static_cast<std::size_t>(action.kind)], action.worker);
    }
    return out;
  }

  const int jobs_;
  const std::size_t most_states_;
  std::unordered_set<std::size_t> seen_;
  std::size_t settled_ = 0;
  bool complete_ = false;
};

TEST(Exhaustive, OneJobIsPublishedOnceInEveryOrderOfEvents) {
  Explorer explorer(1, 200'000);
  EXPECT_EQ(explorer.explore(), "");
  RecordProperty("states", std::to_string(explorer.states()));
  EXPECT_TRUE(explorer.complete()) << explorer.states();
  EXPECT_GT(explorer.settled(), 100u);
}

TEST(Exhaustive, TwoJobsAreToo) {
  Explorer explorer(2, 20'000);
  EXPECT_EQ(explorer.explore(), "");
  EXPECT_GT(explorer.settled(), 100u);
}

}  // namespace
}  // namespace unfold::simulation
