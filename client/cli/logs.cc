#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "client/cli/interrupt.h"
#include "client/cli/output.h"
#include "client/cli/words.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] = R"(Examples:
  unfold logs ID
  unfold logs ID --follow --output-format jsonl)";

Table line_table(const std::vector<v1::LogsResponse::Line>& lines) {
  Table table;
  table.columns = {
      {"time"}, {"level"}, {"attempt", Column::Align::kRight}, {"worker"}, {"message"}};
  for (const auto& line : lines) {
    table.rows.push_back({utc(line.time()), line.level(), absl::StrCat(line.attempt()),
                          line.worker(), line.message()});
  }
  return table;
}

// What there is from `offset` on, which it moves.
absl::StatusOr<std::vector<v1::LogsResponse::Line>> read_on(Session& session, const std::string& id,
                                                            std::int64_t& offset) {
  std::vector<v1::LogsResponse::Line> lines;
  v1::LogsRequest request;
  request.set_id(id);
  while (true) {
    request.set_offset(offset);
    const absl::StatusOr<v1::LogsResponse> page = session.client().logs(request);
    if (!page.ok()) return page.status();
    lines.insert(lines.end(), page->lines().begin(), page->lines().end());
    if (page->lines().empty() || page->next_offset() <= offset) return lines;
    offset = page->next_offset();
  }
}

absl::Status print_on(Session& session, const std::string& id, std::int64_t& offset) {
  const absl::StatusOr<std::vector<v1::LogsResponse::Line>> lines = read_on(session, id, offset);
  if (!lines.ok()) return lines.status();
  if (!lines->empty()) emit_list(session, "lines", pointers(*lines), line_table(*lines));
  return absl::OkStatus();
}

int run(Session& session, const std::string& id, bool keep_on) {
  std::int64_t offset = 0;
  absl::Status status = print_on(session, id, offset);
  if (!status.ok()) return session.fail(status);
  if (!keep_on) return kOk;
  say_on_interrupt("\nthe job goes on\n");
  const absl::StatusOr<Followed> followed = follow(session, {id}, {}, [&](const v1::Job&) {
    if (status.ok()) status = print_on(session, id, offset);
  });
  if (!followed.ok()) return session.fail(followed.status());
  return status.ok() ? kOk : session.fail(status);
}

}  // namespace

void add_logs(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("logs", "The events and log lines of a job");
  command->group("Work");
  const auto id = std::make_shared<std::string>();
  const auto keep_on = std::make_shared<bool>(false);
  command->add_option("ID", *id, "The job")->required()->type_name("");
  command->add_flag("-f,--follow", *keep_on, "Go on until the job is done");
  add_common_flags(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, id, keep_on] { return run(session, *id, *keep_on); });
}

}  // namespace unfold::cli
