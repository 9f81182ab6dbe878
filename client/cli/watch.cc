#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/each_job.h"
#include "client/cli/follow.h"
#include "client/cli/interrupt.h"
#include "client/cli/job_views.h"
#include "client/cli/output.h"
#include "client/cli/progress.h"
#include "client/cli/proto_json.h"
#include "client/cli/words.h"
#include "nlohmann/json.hpp"

namespace unfold::cli {
namespace {

constexpr char kExamples[] = R"(Examples:
  unfold watch ID                        live progress until the job is done
  unfold watch                           every change of every job, until Ctrl-C
  unfold watch --output-format jsonl | jq .state)";

constexpr std::chrono::hours kForever{24 * 365};

void print_change(Session& session, const v1::Job& job) {
  if (session.format == OutputFormat::kTable) {
    session.out << utc(timestamp_now()) << "  " << progress_line(job, job.id()) << "\n";
  } else if (session.format == OutputFormat::kCsv) {
    const std::string csv = render_csv(job_table({job}, timestamp_now()));
    session.out << csv.substr(csv.find('\n') + 1);
  } else {
    session.out << to_json(job).dump() << "\n";
  }
  session.out.flush();
}

int watch_all(Session& session) {
  say_on_interrupt("\n");
  const absl::StatusOr<v1::SchedulerStatus> status = session.client().status();
  if (!status.ok()) return session.fail(status.status());
  if (session.format == OutputFormat::kCsv)
    session.out << render_csv(job_table({}, timestamp_now()));
  v1::WatchRequest request;
  request.set_from_revision(status->revision());
  const absl::Status ended = session.client().watch(
      request, std::chrono::system_clock::now() + kForever, [&](const v1::WatchEvent& event) {
        if (event.has_job()) print_change(session, event.job());
        return true;
      });
  return session.fail(ended);
}

int watch_some(Session& session, const std::string& id) {
  const absl::StatusOr<std::vector<std::string>> ids = job_ids(session, {id});
  if (!ids.ok()) return session.fail(ids.status());
  if (session.format == OutputFormat::kTable) return wait_for_jobs(session, *ids, {}, "");
  say_on_interrupt("\nwhat was watched goes on\n");
  if (session.format == OutputFormat::kCsv) {
    session.out << render_csv(job_table({}, timestamp_now()));
  }
  const absl::StatusOr<Followed> followed =
      follow(session, *ids, {}, [&](const v1::Job& job) { print_change(session, job); });
  if (!followed.ok()) return session.fail(followed.status());
  std::vector<ExitCode> codes;
  for (const auto& [job_id, job] : followed->jobs) codes.push_back(exit_code(job.state()));
  return exit_code(codes);
}

}  // namespace

void add_watch(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("watch", "Show changes as they happen, of one job or all");
  command->group("Work");
  const auto id = std::make_shared<std::string>();
  command->add_option("ID", *id, "A job or exposure [all jobs]")->type_name("");
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, id] {
    return id->empty() ? watch_all(session) : watch_some(session, *id);
  });
}

}  // namespace unfold::cli
