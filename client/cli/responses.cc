#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/words.h"
#include "common/base/error.h"
#include "common/base/ids.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] = R"(Examples:
  unfold responses                       what is resident, where, and how large
  unfold responses preload JOB           load what a job needs (or needed) before it runs
  unfold responses evict KEY --worker gpu-3)";

Table response_table(const v1::ListResponsesResponse& answer) {
  using Align = Column::Align;
  Table table;
  table.columns = {{"key", Align::kLeft, true},
                   {"engine"},
                   {"worker"},
                   {"device"},
                   {"size", Align::kRight},
                   {"uses", Align::kRight},
                   {"in_use", Align::kRight},
                   {"load", Align::kRight},
                   {"idle", Align::kRight}};
  for (const v1::Residency& item : answer.responses()) {
    table.rows.push_back(
        {item.key(), item.engine(), item.worker(), item.device(),
         Cell(people_bytes(item.bytes()), absl::StrCat(item.bytes())), absl::StrCat(item.uses()),
         absl::StrCat(item.holders()),
         Cell(people_duration(item.load_seconds()), absl::StrCat(item.load_seconds())),
         Cell(people_duration(item.idle_seconds()), absl::StrCat(item.idle_seconds()))});
  }
  return table;
}

int run_list(Session& session) {
  const absl::StatusOr<v1::ListResponsesResponse> answer = session.client().list_responses();
  if (!answer.ok()) return session.fail(answer.status());
  emit_list(session, "responses", pointers(answer->responses()), response_table(*answer));
  return kOk;
}

int run_preload(Session& session, const std::string& job_id, const std::string& worker) {
  const absl::StatusOr<v1::Job> job = session.client().get_job(job_id);
  if (!job.ok()) return session.fail(job.status());
  v1::PreloadRequest request;
  *request.mutable_spec() = job->spec();
  request.set_worker(worker);
  request.set_request_id(RandomIdSource().uuid());
  const absl::StatusOr<v1::PreloadResponse> answer = session.client().preload(request);
  if (!answer.ok()) return session.fail(answer.status());
  Table row;
  row.columns = {{"worker"}, {"key"}};
  row.rows = {{answer->worker(), answer->key()}};
  emit_one(session, *answer, row, render_table(row, 0));
  return kOk;
}

int run_evict(Session& session, const std::string& key, const std::string& worker) {
  v1::EvictRequest request;
  request.set_key(key);
  request.set_worker(worker);
  request.set_request_id(RandomIdSource().uuid());
  const absl::StatusOr<v1::EvictResponse> answer = session.client().evict(request);
  if (!answer.ok()) return session.fail(answer.status());
  if (answer->workers() == 0) {
    return session.fail(error({.code = absl::StatusCode::kNotFound,
                               .reason = "NO_SUCH_RESPONSE",
                               .field = "key",
                               .what = absl::StrCat("no worker holds the response ", key),
                               .why = "",
                               .remedy = "see `unfold responses`"}));
  }
  Table row;
  row.columns = {{"workers"}};
  row.rows = {{absl::StrCat(answer->workers())}};
  emit_one(session, *answer, row, absl::StrCat(answer->workers(), " asked\n"));
  return kOk;
}

void add_order(CLI::App& command, Session& session, const char* name, const char* help,
               const char* what, int (*run)(Session&, const std::string&, const std::string&)) {
  CLI::App* order = command.add_subcommand(name, help);
  const auto target = std::make_shared<std::string>();
  const auto worker = std::make_shared<std::string>();
  order->add_option(what, *target, "Which")->required()->type_name("");
  order->add_option("--worker", *worker, "Only this worker")->type_name("NAME");
  add_common_flags(*order, session);
  set_action(*order, session,
             [&session, target, worker, run] { return run(session, *target, *worker); });
}

}  // namespace

void add_responses(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("responses", "List resident responses; `preload JOB`, `evict KEY`");
  command->group("Service");
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session] { return run_list(session); });
  add_order(*command, session, "preload", "Load what a job needs, before it runs", "JOB",
            run_preload);
  add_order(*command, session, "evict", "Drop a response that no job uses", "KEY", run_evict);
}

}  // namespace unfold::cli
