#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "client/cli/checks.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace unfold::cli {
namespace {

constexpr char kFooter[] =
    R"(Looks and changes nothing. Exit code: 0 all well (warnings too); 1 something is wrong, with
the remedy beside it; 5 no scheduler answers.)";

void add_service_checks(Session& session, const v1::SchedulerStatus& status,
                        std::vector<Check>& checks) {
  checks.push_back(check_version(status));
  const absl::StatusOr<v1::ListWorkersResponse> workers = session.client().list_workers();
  if (workers.ok()) checks.push_back(check_workers(*workers));
  for (const auto& [name, folder] :
       std::map<std::string, std::string>(status.roots().begin(), status.roots().end())) {
    checks.push_back(check_root(name, folder));
    checks.push_back(check_disk(name, folder));
  }
}

const char* word(Check::Result result) {
  switch (result) {
    case Check::Result::kOk:
      return "ok";
    case Check::Result::kWarning:
      return "warning";
    default:
      return "problem";
  }
}

int run(Session& session) {
  const std::string bin = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  const absl::StatusOr<v1::SchedulerStatus> status = session.client().status();
  std::vector<Check> checks = {check_server(status, session.server)};
  if (status.ok()) add_service_checks(session, *status, checks);
  checks.push_back(check_programs(bin));
  checks.push_back(check_clock());
  checks.push_back(check_instruction_set());
  checks.push_back(check_cuda(bin));

  Table table;
  table.columns = {{"check"}, {"result"}, {"found"}, {"remedy"}};
  for (const Check& check : checks) {
    table.rows.push_back({check.name, word(check.result), check.found, check.remedy});
  }
  emit_rows(session, "checks", table);
  if (!status.ok()) return exit_code(status.status(), CallKind::kLookup);
  const bool bad = std::any_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.result == Check::Result::kProblem;
  });
  return bad ? kJobFailed : kOk;
}

}  // namespace

void add_doctor(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("doctor", "Check the service and this machine; says what to do");
  command->group("Here");
  add_common_flags(*command, session);
  command->footer(kFooter);
  set_action(*command, session, [&session] { return run(session); });
}

}  // namespace unfold::cli
