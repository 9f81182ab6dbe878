#include "client/cli/submit_flags.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "client/cli/flag_types.h"
#include "client/cli/job_views.h"
#include "client/cli/output.h"
#include "client/cli/words.h"
#include "common/base/ids.h"

namespace unfold::cli {
namespace {

constexpr char kGroup[] = "Submission";

void add_timing(CLI::App& command, SubmitFlags& flags) {
  command.add_option("--priority", flags.priority, "-1000 .. 1000, higher runs first [0]")
      ->type_name("N")
      ->group(kGroup);
  command
      .add_option_function<std::string>(
          "--deadline",
          [&flags](const std::string& text) {
            flags.deadline = deadline_flag(text, "--deadline", timestamp_now());
          },
          "When it must be done: 15m from now, or 2026-11-20T06:00:00Z")
      ->type_name("TIME")
      ->group(kGroup);
  flags.wait = command
                   .add_option_function<std::string>(
                       "--wait",
                       [&flags](const std::string& text) {
                         if (!text.empty()) seconds_flag(text, "--wait");
                         flags.wait_text = text;
                       },
                       "Show progress until it is done; --wait=10m at most")
                   ->expected(0, 1)
                   ->type_name("[TIME]")
                   ->group(kGroup);
}

void add_label_flags(CLI::App& command, SubmitFlags& flags) {
  command
      .add_option_function<std::string>(
          "--run-timeout",
          [&flags](const std::string& text) {
            flags.run_timeout = duration_flag(text, "--run-timeout");
          },
          "Longest time one attempt may run [no limit]")
      ->type_name("TIME")
      ->group(kGroup);
  command
      .add_option_function<std::vector<std::string>>(
          "--label",
          [&flags](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) flags.labels.insert(label_flag(text, "--label"));
          },
          "key=value to find the job by; may be repeated")
      ->allow_extra_args(false)
      ->type_name("K=V")
      ->group(kGroup);
}

v1::SubmitRequest request_of(const SubmitFlags& flags, const v1::JobSpec& spec) {
  v1::SubmitRequest request;
  *request.mutable_spec() = spec;
  flags.apply(*request.mutable_spec());
  request.set_request_id(flags.id_of_request());
  request.set_validate_only(flags.dry_run);
  request.set_source("cli");
  return request;
}

}  // namespace

bool SubmitFlags::waits() const { return wait != nullptr && wait->count() > 0; }

Until SubmitFlags::until() const {
  if (wait_text.empty()) return std::nullopt;
  const std::chrono::duration<double> limit(seconds_flag(wait_text, "--wait"));
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit);
}

void SubmitFlags::apply(v1::JobSpec& spec) const {
  spec.set_priority(priority);
  if (deadline.has_value()) *spec.mutable_deadline() = *deadline;
  spec.mutable_labels()->insert(labels.begin(), labels.end());
  spec.set_overwrite(overwrite);
  spec.set_parents(parents);
  if (run_timeout.has_value()) *spec.mutable_run_timeout() = *run_timeout;
}

std::string SubmitFlags::id_of_request() const {
  return request_id.empty() ? RandomIdSource().uuid() : request_id;
}

void add_submit_flags(CLI::App& command, SubmitFlags& flags, WithLabels with_labels) {
  add_timing(command, flags);
  if (with_labels == WithLabels::kYes) add_label_flags(command, flags);
  command.add_flag("--overwrite", flags.overwrite, "Replace outputs that exist")->group(kGroup);
  command.add_flag("--parents", flags.parents, "Make missing folders of outputs")->group(kGroup);
  command.add_flag("--dry-run", flags.dry_run, "Validate and show the plan; submit nothing")
      ->group(kGroup);
  command
      .add_option("--request-id", flags.request_id,
                  "Name of this request: the same again gives the same job, not a second one")
      ->type_name("ID")
      ->group(kGroup);
}

int submit_job(Session& session, const SubmitFlags& flags, const v1::JobSpec& spec) {
  const absl::StatusOr<v1::SubmitResponse> response =
      session.client().submit(request_of(flags, spec));
  if (!response.ok()) return session.fail(response.status(), CallKind::kSubmit);
  const v1::Job& job = response->job();
  for (const std::string& warning : job.plan().warnings()) {
    session.err << "unfold: warning: " << warning << "\n";
  }
  const Table row = job_table({job}, timestamp_now());
  if (flags.dry_run) {
    emit_one(session, job, row, plan_sheet(job));
    return kOk;
  }
  const bool table = session.format == OutputFormat::kTable;
  if (table || !flags.waits()) emit_one(session, job, row, job.id() + "\n");
  if (!flags.waits()) return kOk;
  const int code = wait_for_jobs(session, {job.id()}, flags.until(), flags.wait_text);
  if (table) return code;
  const absl::StatusOr<v1::Job> last = session.client().get_job(job.id());
  if (!last.ok()) return session.fail(last.status());
  emit_one(session, *last, job_table({*last}, timestamp_now()), "");
  return code;
}

}  // namespace unfold::cli
