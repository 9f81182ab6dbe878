#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/each_job.h"
#include "client/cli/exposure_views.h"
#include "client/cli/job_views.h"
#include "client/cli/output.h"
#include "client/cli/words.h"
#include "common/base/status_macros.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] = R"(Examples:
  unfold jobs                          the newest 50
  unfold jobs --active                 not yet final
  unfold jobs --state failed --limit 0 --output-format csv
  unfold jobs --filter 'engine=extraction AND labels.tile=1234'
  unfold jobs get ID --output-format json)";

constexpr int kLargestPage = 1000;

struct Flags {
  std::vector<std::string> terms;
  std::int64_t limit = 50;
};

absl::StatusOr<std::vector<v1::Job>> list(client::Client& client, const Flags& flags) {
  std::vector<v1::Job> jobs;
  v1::ListJobsRequest request;
  request.set_filter(absl::StrJoin(flags.terms, " AND "));
  do {
    const std::int64_t left = flags.limit - static_cast<std::int64_t>(jobs.size());
    const bool last = flags.limit > 0 && left < kLargestPage;
    request.set_page_size(last ? static_cast<int>(left) : kLargestPage);
    UNFOLD_ASSIGN_OR_RETURN(const v1::ListJobsResponse page, client.list_jobs(request));
    jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() &&
           (flags.limit == 0 || static_cast<std::int64_t>(jobs.size()) < flags.limit));
  return jobs;
}

int run_list(Session& session, const Flags& flags) {
  const absl::StatusOr<std::vector<v1::Job>> jobs = list(session.client(), flags);
  if (!jobs.ok()) return session.fail(jobs.status());
  emit_list(session, "jobs", pointers(*jobs), job_table(*jobs, timestamp_now()));
  return kOk;
}

int run_get_exposure(Session& session, const std::string& id) {
  const absl::StatusOr<v1::Exposure> exposure = session.client().get_exposure(id);
  if (!exposure.ok()) return session.fail(exposure.status());
  const Table table = camera_table(*exposure);
  emit_one(session, *exposure, table, render_table(table, 0));
  return kOk;
}

int run_get(Session& session, const std::vector<std::string>& ids) {
  if (ids.size() == 1 && is_exposure(ids[0])) return run_get_exposure(session, ids[0]);
  std::vector<v1::Job> jobs;
  for (const std::string& id : ids) {
    absl::StatusOr<v1::Job> job = session.client().get_job(id);
    if (!job.ok()) return session.fail(job.status());
    jobs.push_back(*std::move(job));
  }
  const google::protobuf::Timestamp now = timestamp_now();
  if (jobs.size() == 1) {
    emit_one(session, jobs[0], job_table(jobs, now), job_sheet(jobs[0], now));
  } else if (session.format == OutputFormat::kTable) {
    for (const v1::Job& job : jobs) session.out << job_sheet(job, now) << "\n";
  } else {
    emit_list(session, "jobs", pointers(jobs), job_table(jobs, now));
  }
  return kOk;
}

void add_filters(CLI::App& command, Flags& flags) {
  const auto term = [&](const std::string& flag, const std::string& field, const char* help) {
    return command
        .add_option_function<std::string>(
            flag,
            [&flags, field](const std::string& value) {
              const bool state = field == "state";
              flags.terms.push_back(
                  absl::StrCat(field, "=", state ? absl::AsciiStrToUpper(value) : value));
            },
            help)
        ->type_name("VALUE")
        ->group("Which");
  };
  term("--state", "state", "queued, loading, running, publishing, succeeded, failed, ...")
      ->check(CLI::IsMember({"queued", "loading", "running", "publishing", "succeeded", "failed",
                             "cancelled", "expired", "quarantined"},
                            CLI::ignore_case));
  term("--engine", "engine", "extraction, imaging, spi, probe");
  term("--exposure", "exposure", "As 20261120-00051060");
  term("--camera", "camera", "As r0");
  term("--submitter", "submitter", "Who submitted it");
  command
      .add_flag_function(
          "--active", [&flags](std::int64_t) { flags.terms.emplace_back("active=true"); },
          "Not yet final")
      ->group("Which");
  command
      .add_option_function<std::string>(
          "--filter", [&flags](const std::string& text) { flags.terms.push_back(text); },
          "field=value, joined by AND; also labels.KEY=value")
      ->type_name("EXPRESSION")
      ->group("Which");
  command.add_option("--limit", flags.limit, "How many, newest first; 0: all [50]")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N")
      ->group("Which");
}

}  // namespace

void add_jobs(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("jobs", "List jobs; `jobs get ID` shows one");
  command->group("Work");
  const auto flags = std::make_shared<Flags>();
  add_filters(*command, *flags);
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run_list(session, *flags); });

  CLI::App* get =
      command->add_subcommand("get", "Show everything about a job, or an exposure's cameras");
  const auto ids = std::make_shared<std::vector<std::string>>();
  get->add_option("ID", *ids, "Jobs, or one exposure as 20261120-00051060")
      ->required()
      ->type_name("");
  add_common_flags(*get, session);
  set_action(*get, session, [&session, ids] { return run_get(session, *ids); });
}

}  // namespace unfold::cli
