#include <CLI/CLI.hpp>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/each_job.h"
#include "client/cli/flag_types.h"
#include "client/cli/follow.h"
#include "client/cli/job_views.h"
#include "client/cli/output.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Exit code: 0 all succeeded, 1 failed, 6 time is up, 7 cancelled or expired,
11 some succeeded and some did not.

Examples:
  unfold wait ID
  unfold wait --timeout 10m $(cat ids) && next-step)";

struct Flags {
  std::vector<std::string> ids;
  std::string timeout;
};

int run(Session& session, const Flags& flags) {
  Until until;
  if (!flags.timeout.empty()) {
    const std::chrono::duration<double> limit(seconds_flag(flags.timeout, "--timeout"));
    until = std::chrono::steady_clock::now() +
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit);
  }
  const absl::StatusOr<std::vector<std::string>> ids = job_ids(session, flags.ids);
  if (!ids.ok()) return session.fail(ids.status());
  const int code = wait_for_jobs(session, *ids, until, flags.timeout);
  const bool known = code != kNotFound && code != kUnreachable;
  if (session.format == OutputFormat::kTable || !known) return code;
  std::vector<v1::Job> jobs;
  for (const std::string& id : *ids) {
    absl::StatusOr<v1::Job> job = session.client().get_job(id);
    if (!job.ok()) return session.fail(job.status());
    jobs.push_back(*std::move(job));
  }
  emit_list(session, "jobs", pointers(jobs), job_table(jobs, timestamp_now()));
  return code;
}

}  // namespace

void add_wait(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("wait", "Wait until jobs are done; Ctrl-C cancels nothing");
  command->group("Work");
  const auto flags = std::make_shared<Flags>();
  command->add_option("ID", flags->ids, "Jobs, or exposures as 20261120-00051060")
      ->required()
      ->type_name("");
  command
      ->add_option_function<std::string>(
          "--timeout",
          [flags](const std::string& text) {
            seconds_flag(text, "--timeout");
            flags->timeout = text;
          },
          "At most this long, then exit code 6 [no limit]")
      ->type_name("TIME");
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
