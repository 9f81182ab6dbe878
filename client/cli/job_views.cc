#include "client/cli/job_views.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/exit_codes.h"
#include "client/cli/output.h"
#include "client/cli/proto_json.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

using Align = Column::Align;
using Entries = std::vector<std::pair<std::string, std::string>>;

std::string percent(const v1::Job& job) {
  if (is_final(job.state()) || job.progress().fraction() <= 0) return "";
  return absl::StrCat(static_cast<int>(job.progress().fraction() * 100), "%");
}

std::string worker_of(const v1::Job& job) {
  return job.attempts().empty() ? "" : job.attempts().rbegin()->worker();
}

// Since submission while it waits or runs, from submission to the end afterwards.
Cell age(const v1::Job& job, const google::protobuf::Timestamp& now) {
  const double seconds = seconds_between(
      job.submitted_at(), is_final(job.state()) && job.has_finished_at() ? job.finished_at() : now);
  return {people_duration(seconds), absl::StrCat(seconds)};
}

std::string numbers(const google::protobuf::Map<std::string, double>& map) {
  std::vector<std::string> words;
  for (const auto& [name, value] : std::map<std::string, double>(map.begin(), map.end())) {
    words.push_back(absl::StrCat(name, " ", people_number(value, 6)));
  }
  return absl::StrJoin(words, ", ");
}

std::string paths(const google::protobuf::RepeatedPtrField<v1::OutputFile>& files) {
  return absl::StrJoin(files, " ", [](std::string* out, const v1::OutputFile& file) {
    absl::StrAppend(out, file.path());
    if (file.size_bytes() > 0) absl::StrAppend(out, " (", people_bytes(file.size_bytes()), ")");
  });
}

std::string attempt_line(const v1::Attempt& attempt) {
  std::string line = absl::StrCat("on ", attempt.worker());
  if (!attempt.device().empty()) absl::StrAppend(&line, " (", attempt.device(), ")");
  const std::string error = short_name(v1::ErrorClass_descriptor(), attempt.error_class());
  if (attempt.has_ended_at()) {
    absl::StrAppend(&line, ", ",
                    people_duration(seconds_between(attempt.assigned_at(), attempt.ended_at())));
  }
  if (!error.empty()) absl::StrAppend(&line, ", ", error);
  if (attempt.response_hit()) absl::StrAppend(&line, ", response resident");
  if (attempt.has_start_seconds()) {
    absl::StrAppend(&line, ", started in ", people_number(attempt.start_seconds(), 3), " s");
  }
  if (attempt.has_idle_seconds()) {
    absl::StrAppend(&line, ", slot idle ", people_number(attempt.idle_seconds(), 3), " s");
  }
  if (!attempt.seconds().empty()) absl::StrAppend(&line, "; s: ", numbers(attempt.seconds()));
  if (!attempt.message().empty()) absl::StrAppend(&line, "; ", attempt.message());
  return line;
}

void add_plan(const v1::Plan& plan, Entries& entries) {
  for (const auto& [name, value] :
       std::map<std::string, std::string>(plan.facts().begin(), plan.facts().end())) {
    entries.emplace_back(name, value);
  }
  entries.emplace_back("response", plan.response_key());
  if (plan.response_bytes() > 0) {
    entries.emplace_back("response size", people_bytes(plan.response_bytes()));
  }
  if (plan.host_bytes() > 0) entries.emplace_back("memory", people_bytes(plan.host_bytes()));
  entries.emplace_back("predicted", absl::StrCat(people_duration(plan.load_seconds()), " to load, ",
                                                 people_duration(plan.run_seconds()), " to run"));
  for (const std::string& warning : plan.warnings()) entries.emplace_back("warning", warning);
}

}  // namespace

std::string state_word(const v1::Job& job) {
  if (job.cancelling() && !is_final(job.state())) return "CANCELLING";
  return short_name(v1::JobState_descriptor(), job.state());
}

Table job_table(const std::vector<v1::Job>& jobs, const google::protobuf::Timestamp& now) {
  Table table;
  table.columns = {{"id"},
                   {"engine"},
                   {"exposure"},
                   {"camera"},
                   {"state"},
                   {"done", Align::kRight},
                   {"priority", Align::kRight},
                   {"age", Align::kRight},
                   {"worker", Align::kLeft, true},
                   {"message", Align::kLeft, true}};
  for (const v1::Job& job : jobs) {
    table.rows.push_back({job.id(), job.engine(), job.exposure(), job.spec().extraction().camera(),
                          state_word(job), percent(job), absl::StrCat(job.spec().priority()),
                          age(job, now), worker_of(job), job.message()});
  }
  return table;
}

std::string job_sheet(const v1::Job& job, const google::protobuf::Timestamp& now) {
  const v1::ExtractionSpec& extraction = job.spec().extraction();
  const v1::ImagingSpec& imaging = job.spec().imaging();
  Entries entries = {{"id", job.id()},
                     {"engine", job.engine()},
                     {"state", state_word(job)},
                     {"message", job.message()},
                     {"exposure", job.exposure()},
                     {"camera", extraction.camera()},
                     {"image", extraction.image()},
                     {"psf", extraction.psf()},
                     {"data", imaging.data()},
                     {"response file", imaging.response()},
                     {"patterns", absl::StrJoin(job.spec().spi().data(), ", ")},
                     {"detector", job.spec().spi().detector()},
                     {"submitter", job.submitter()},
                     {"submitted", utc(job.submitted_at())},
                     {"finished", utc(job.finished_at())},
                     {"took", age(job, now).text},
                     {"deadline", utc(job.spec().deadline())},
                     {"done", percent(job)}};
  for (const auto& [name, value] : job.spec().labels()) {
    entries.emplace_back("label", absl::StrCat(name, "=", value));
  }
  for (const v1::Attempt& attempt : job.attempts()) {
    entries.emplace_back(absl::StrCat("attempt ", attempt.number()), attempt_line(attempt));
  }
  entries.emplace_back("summary", numbers(job.summary()));
  entries.emplace_back("outputs", paths(job.outputs()));
  return render_sheet(entries);
}

std::string plan_sheet(const v1::Job& job) {
  Entries entries = {{"engine", job.engine()}};
  add_plan(job.plan(), entries);
  entries.emplace_back("outputs", paths(job.plan().outputs()));
  return "Valid; nothing was submitted.\n" + render_sheet(entries);
}

std::string ending(const v1::Job& job) {
  std::string line = absl::StrCat(job.id(), ": ", state_word(job));
  if (job.has_finished_at()) {
    absl::StrAppend(&line, " after ",
                    people_duration(seconds_between(job.submitted_at(), job.finished_at())));
  }
  if (!job.message().empty()) absl::StrAppend(&line, "; ", job.message());
  if (!job.summary().empty()) absl::StrAppend(&line, "; ", numbers(job.summary()));
  if (!job.outputs().empty()) absl::StrAppend(&line, "; ", paths(job.outputs()));
  return line;
}

}  // namespace unfold::cli
