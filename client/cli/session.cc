#include "client/cli/session.h"

#include <CLI/CLI.hpp>
#include <map>
#include <ostream>
#include <utility>

#include "client/cli/text_width.h"
#include "common/base/error.h"

namespace unfold::cli {

Session::Session(std::ostream& out_stream, std::ostream& err_stream)
    : out(out_stream), err(err_stream) {}

client::Client& Session::client() {
  if (client_ == nullptr) {
    client::ClientOptions options;
    options.server = server;
    client_ = std::make_unique<client::Client>(std::move(options));
  }
  return *client_;
}

int Session::fail(const absl::Status& status, CallKind kind) {
  std::string message(status.message());
  if (message.empty()) message = status.ToString();
  const std::string field = field_of(status);
  const bool named = field.empty() || message.find(field) != std::string::npos;
  err << "unfold: " << printable(named ? message : field + ": " + message) << "\n";
  return exit_code(status, kind);
}

void add_format_flag(CLI::App& command, Session& session) {
  static const std::map<std::string, OutputFormat> kFormats = {{"table", OutputFormat::kTable},
                                                               {"json", OutputFormat::kJson},
                                                               {"jsonl", OutputFormat::kJsonl},
                                                               {"csv", OutputFormat::kCsv}};
  command
      .add_option_function<std::string>(
          "--output-format",
          [&session](const std::string& name) { session.format = kFormats.at(name); },
          "How data is written to stdout: table, json, jsonl or csv [table]")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv"}))
      ->type_name("FORMAT")
      ->group("Common options");
}

void add_common_flags(CLI::App& command, Session& session) {
  command
      .add_option("--server", session.server,
                  "The scheduler: unix:PATH or HOST:PORT; also UNFOLD_SERVER")
      ->type_name("ADDRESS")
      ->group("Common options");
  add_format_flag(command, session);
}

void set_action(CLI::App& command, Session& session, std::function<int()> action) {
  command.callback([&command, &session, action = std::move(action)] {
    if (command.get_subcommands().empty()) session.action = action;
  });
}

}  // namespace unfold::cli
