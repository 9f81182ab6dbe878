#include "client/cli/follow.h"

#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/interrupt.h"
#include "client/cli/job_views.h"
#include "client/cli/progress.h"
#include "client/cli/words.h"
#include "common/base/status_macros.h"

namespace unfold::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{2000};
// A stream is renewed now and then: one that broke without a word would be silent for ever.
constexpr std::chrono::minutes kStreamLife{10};

class Follower {
 public:
  Follower(client::Client& client, const std::vector<std::string>& ids,
           const std::function<void(const v1::Job&)>& on_change)
      : client_(client), open_(ids.begin(), ids.end()), on_change_(on_change) {
    if (open_.size() == 1) only_ = *open_.begin();
  }

  // The revision is read first, so no change falls between the snapshot and the stream.
  absl::Status follow_once(Until until) {
    UNFOLD_ASSIGN_OR_RETURN(const v1::SchedulerStatus status, client_.status());
    heard_ = steady_clock::now();
    const std::set<std::string> asked = open_;
    for (const std::string& id : asked) {
      UNFOLD_ASSIGN_OR_RETURN(const v1::Job job, client_.get_job(id));
      take(job);
    }
    if (open_.empty()) return absl::OkStatus();
    v1::WatchRequest request;
    request.set_from_revision(status.revision());
    request.set_job_id(only_);
    return client_.watch(request, stream_end(until), [this](const v1::WatchEvent& event) {
      heard_ = steady_clock::now();
      if (event.has_job() && open_.contains(event.job().id())) take(event.job());
      return !open_.empty();
    });
  }

  bool done() const { return open_.empty(); }
  steady_clock::time_point heard() const { return heard_; }
  std::map<std::string, v1::Job>& jobs() { return jobs_; }

 private:
  static std::chrono::system_clock::time_point stream_end(Until until) {
    steady_clock::duration left = kStreamLife;
    if (until.has_value()) left = std::min(left, *until - steady_clock::now());
    return std::chrono::system_clock::now() + left;
  }

  void take(const v1::Job& job) {
    v1::Job& known = jobs_[job.id()];
    if (!known.id().empty() && job.revision() < known.revision()) return;
    known = job;
    on_change_(job);
    if (is_final(job.state())) open_.erase(job.id());
  }

  client::Client& client_;
  std::set<std::string> open_;
  std::string only_;
  const std::function<void(const v1::Job&)>& on_change_;
  std::map<std::string, v1::Job> jobs_;
  steady_clock::time_point heard_ = steady_clock::now();
};

bool worth_another_try(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsOutOfRange(status) || absl::IsCancelled(status);
}

std::string how_to_go_on(const std::vector<std::string>& ids) {
  const std::string list = absl::StrJoin(ids, " ");
  return absl::StrCat(ids.size() == 1 ? "the job goes on" : "the jobs go on", "; `unfold wait ",
                      list, "` waits again, `unfold cancel ", list, "` cancels");
}

}  // namespace

absl::StatusOr<Followed> follow(Session& session, const std::vector<std::string>& ids, Until until,
                                const std::function<void(const v1::Job&)>& on_change) {
  Follower follower(session.client(), ids, on_change);
  bool connected = false;
  std::chrono::milliseconds pause = kFirstPause;
  while (true) {
    const steady_clock::time_point before = follower.heard();
    const absl::Status status = follower.follow_once(until);
    if (follower.done()) return Followed{std::move(follower.jobs()), true};
    if (until.has_value() && steady_clock::now() >= *until) {
      return Followed{std::move(follower.jobs()), false};
    }
    const bool heard_now = follower.heard() != before;
    connected = connected || heard_now;
    const bool patient = steady_clock::now() - follower.heard() < kPatience;
    if (!worth_another_try(status) || !connected || !patient) return status;
    pause = heard_now ? kFirstPause : std::min(2 * pause, kLongestPause);
    std::this_thread::sleep_for(pause);
  }
}

int wait_for_jobs(Session& session, const std::vector<std::string>& ids, Until until,
                  const std::string& timeout_text) {
  say_on_interrupt(absl::StrCat("\ninterrupted: ", how_to_go_on(ids), "\n"));
  ProgressView view(session.err, look_at_terminal(STDERR_FILENO));
  absl::StatusOr<Followed> followed = follow(
      session, ids, until, [&view](const v1::Job& job) { view.update(job, timestamp_now()); });
  if (!followed.ok()) return session.fail(followed.status());
  std::vector<ExitCode> codes;
  for (const auto& [id, job] : followed->jobs) {
    if (!is_final(job.state())) continue;
    session.err << ending(job) << "\n";
    codes.push_back(exit_code(job.state()));
  }
  if (!followed->all_final) {
    session.err << "unfold: not done within " << timeout_text << "; " << how_to_go_on(ids) << "\n";
    return kTimedOut;
  }
  return exit_code(codes);
}

}  // namespace unfold::cli
