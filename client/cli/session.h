#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/cli/exit_codes.h"
#include "client/rpc/client.h"

namespace CLI {
class App;
}

namespace unfold::cli {

enum class OutputFormat { kTable, kJson, kJsonl, kCsv };

/// One run of the program: where it writes, what the common flags said, and the action that the
/// command line chose. Data goes to `out`, everything else to `err`. One thread.
class Session {
 public:
  Session(std::ostream& out_stream, std::ostream& err_stream);

  /// Connects to `server` at the first call.
  client::Client& client();

  /// Says what went wrong on `err` and gives the exit code for it.
  int fail(const absl::Status& status, CallKind kind = CallKind::kLookup);

  std::ostream& out;
  std::ostream& err;
  std::string server = client::default_server();
  OutputFormat format = OutputFormat::kTable;
  std::function<int()> action;

 private:
  std::unique_ptr<client::Client> client_;
};

/// --output-format, for a command that only looks at this machine.
void add_format_flag(CLI::App& command, Session& session);
/// --server and --output-format.
void add_common_flags(CLI::App& command, Session& session);

/// Makes `action` what runs when `command` was given and none of its subcommands.
void set_action(CLI::App& command, Session& session, std::function<int()> action);

}  // namespace unfold::cli
