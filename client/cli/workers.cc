#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/proto_json.h"
#include "client/cli/words.h"
#include "common/base/ids.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] = R"(Examples:
  unfold workers
  unfold workers drain gpu-3             finish what runs, take nothing new
  unfold workers drain gpu-3 --undo      also lets one compute again whose GPU had a fault)";

Cell bytes(std::int64_t count) { return {people_bytes(count), absl::StrCat(count)}; }

/// Idle ones too: they are given back when a response needs the room.
Cell workspace(const v1::Workspace& of) { return bytes(of.reserved_bytes() + of.idle_bytes()); }

template <class Workers>
Table worker_table(const Workers& workers) {
  using Align = Column::Align;
  Table table;
  table.columns = {{"name"},
                   {"state"},
                   {"device"},
                   {"engines", Align::kLeft, true},
                   {"busy", Align::kRight},
                   {"resident", Align::kRight},
                   {"workspace", Align::kRight},
                   {"memory", Align::kRight},
                   {"heartbeat", Align::kRight},
                   {"host"},
                   {"pid", Align::kRight},
                   {"jobs", Align::kLeft, true},
                   {"problem", Align::kLeft, true}};
  for (const v1::Worker& worker : workers) {
    table.rows.push_back({worker.name(), short_name(v1::WorkerState_descriptor(), worker.state()),
                          worker.device(), absl::StrJoin(worker.engines(), " "),
                          absl::StrCat(worker.busy(), "/", worker.slots()),
                          bytes(worker.resident_bytes()), workspace(worker.workspace()),
                          bytes(worker.memory_bytes()),
                          Cell(people_duration(worker.heartbeat_age_seconds()),
                               absl::StrCat(worker.heartbeat_age_seconds())),
                          worker.host(), absl::StrCat(worker.pid()),
                          absl::StrJoin(worker.jobs(), " "), worker.cordon()});
  }
  return table;
}

int run_list(Session& session) {
  const absl::StatusOr<v1::ListWorkersResponse> answer = session.client().list_workers();
  if (!answer.ok()) return session.fail(answer.status());
  emit_list(session, "workers", pointers(answer->workers()), worker_table(answer->workers()));
  return kOk;
}

int run_drain(Session& session, const std::string& name, bool undo) {
  v1::DrainRequest request;
  request.set_worker(name);
  request.set_undrain(undo);
  request.set_request_id(RandomIdSource().uuid());
  const absl::StatusOr<v1::Worker> worker = session.client().drain(request);
  if (!worker.ok()) return session.fail(worker.status());
  const std::vector<v1::Worker> one = {*worker};
  const Table table = worker_table(one);
  emit_one(session, *worker, table, render_table(table, 0));
  return kOk;
}

}  // namespace

void add_workers(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("workers", "List workers; `workers drain W` retires one");
  command->group("Service");
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session] { return run_list(session); });

  CLI::App* drain = command->add_subcommand("drain", "Let a worker finish and take nothing new");
  const auto name = std::make_shared<std::string>();
  const auto undo = std::make_shared<bool>(false);
  drain->add_option("WORKER", *name, "Its name")->required()->type_name("");
  drain->add_flag("--undo", *undo, "Let it take jobs again");
  add_common_flags(*drain, session);
  set_action(*drain, session, [&session, name, undo] { return run_drain(session, *name, *undo); });
}

}  // namespace unfold::cli
