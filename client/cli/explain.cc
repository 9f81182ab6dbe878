#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/text_width.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

std::string sheet_of(const v1::ExplainResponse& answer) {
  std::string out = printable(answer.summary()) + "\n";
  for (const std::string& detail : answer.details()) {
    absl::StrAppend(&out, "  - ", printable(detail), "\n");
  }
  const auto position = answer.queue_position();
  return out + render_sheet({{"jobs before it", position < 0 ? "" : absl::StrCat(position)},
                             {"predicted start", utc(answer.predicted_start())},
                             {"what would help", answer.remedy()}});
}

int run(Session& session, const std::string& id) {
  const absl::StatusOr<v1::ExplainResponse> answer = session.client().explain(id);
  if (!answer.ok()) return session.fail(answer.status());
  Table row;
  row.columns = {{"summary"}, {"queue_position"}, {"predicted_start"}, {"remedy"}};
  row.rows = {{answer->summary(), absl::StrCat(answer->queue_position()),
               utc(answer->predicted_start()), answer->remedy()}};
  emit_one(session, *answer, row, sheet_of(*answer));
  return kOk;
}

}  // namespace

void add_explain(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("explain", "Why a job is where it is, and what would change that");
  command->group("Work");
  const auto id = std::make_shared<std::string>();
  command->add_option("ID", *id, "The job")->required()->type_name("");
  add_common_flags(*command, session);
  set_action(*command, session, [&session, id] { return run(session, *id); });
}

}  // namespace unfold::cli
