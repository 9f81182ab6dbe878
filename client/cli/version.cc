#include "common/base/version.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "client/cli/commands.h"

namespace unfold::cli {

void add_version(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("version", "The version of this program");
  command->group("Here");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "The same as --output-format json");
  add_format_flag(*command, session);
  set_action(*command, session, [&session, json] {
    if (*json || session.format != OutputFormat::kTable) {
      session.out << nlohmann::ordered_json{{"version", kVersion}, {"commit", kCommit}} << "\n";
    } else {
      session.out << "unfold " << kVersion << " (" << kCommit << ")\n";
    }
    return static_cast<int>(kOk);
  });
}

}  // namespace unfold::cli
