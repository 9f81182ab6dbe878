#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace CLI {
class App;
}

namespace unfold::config {

/// Values by the option's long name without dashes ("heartbeat" -> {"2s"}); lists have several.
using Values = std::map<std::string, std::vector<std::string>>;

/// Reads a TOML file of flat keys: strings, numbers, booleans, and lists of these. A key that is
/// not in `known`, or a table, is InvalidArgument with line, and with the nearest known name.
absl::StatusOr<Values> read_toml(const std::string& path, const std::vector<std::string>& known);

/// Values of the variables PREFIX + key in capitals, dashes as underscores: with "UNFOLD_WORKER__",
/// `drain-timeout` is UNFOLD_WORKER__DRAIN_TIMEOUT. A list is separated by commas.
Values read_environment(std::string_view prefix, const std::vector<std::string>& known);

/// Gives every option of a parsed `app` that the command line left out its value from the
/// environment, else from the TOML file named by `config_path` (empty: none). Call after parse();
/// a value that the option itself refuses is InvalidArgument, naming where it came from.
absl::Status fill_from_layers(CLI::App& app, std::string_view env_prefix,
                              const std::string& config_path);

}  // namespace unfold::config
