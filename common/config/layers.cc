#include "common/config/layers.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/config/nearest.h"
#include "toml++/toml.h"

namespace unfold::config {
namespace {

absl::Status bad_setting(std::string field, std::string what, std::string why, std::string remedy) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "BAD_SETTING",
                .field = std::move(field),
                .what = std::move(what),
                .why = std::move(why),
                .remedy = std::move(remedy)});
}

std::optional<std::string> scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (!node.is_integer() && !node.is_floating_point() && !node.is_boolean()) return std::nullopt;
  std::ostringstream out;
  out << toml::node_view<const toml::node>(&node);
  return out.str();
}

std::optional<std::vector<std::string>> values_of(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    const auto one = scalar(node);
    return one ? std::make_optional(std::vector<std::string>{*one}) : std::nullopt;
  }
  std::vector<std::string> values;
  for (const toml::node& element : *array) {
    const auto one = scalar(element);
    if (!one) return std::nullopt;
    values.push_back(*one);
  }
  return values;
}

std::string at_line(const std::string& path, const toml::source_region& where) {
  return path + ", line " + std::to_string(where.begin.line);
}

absl::Status unknown_key(const std::string& key, const std::string& where,
                         const std::vector<std::string>& known) {
  const std::string near = nearest(key, known);
  return bad_setting(
      key, absl::StrCat("unknown setting \"", key, "\""), where,
      near.empty() ? "see --help for the names" : absl::StrCat("did you mean \"", near, "\"?"));
}

absl::StatusOr<toml::table> parse_file(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& failure) {
    return bad_setting("config", "cannot read the configuration " + path,
                       absl::StrCat("line ", failure.source().begin.line, ": ",
                                    std::string(failure.description())),
                       "check the file's name and syntax (TOML)");
  }
}

// Options that can come from a file or the environment, by long name.
std::map<std::string, CLI::Option*> settable(CLI::App& app) {
  std::map<std::string, CLI::Option*> options;
  for (CLI::Option* option : app.get_options()) {
    const auto& names = option->get_lnames();
    if (names.empty() || !option->get_configurable()) continue;
    options[names.front()] = option;
  }
  return options;
}

absl::Status give(CLI::Option& option, const std::string& name,
                  const std::vector<std::string>& values, const std::string& origin) {
  try {
    for (const std::string& value : values) {
      // A flag's result is how often it was given: its own parser reads "true" and "false".
      option.add_result(option.get_items_expected_max() == 0 ? option.get_flag_value(name, value)
                                                             : value);
    }
    if (!values.empty()) option.run_callback();
  } catch (const CLI::Error& failure) {
    return bad_setting(name, absl::StrCat("cannot use the setting \"", name, "\""),
                       origin + ": " + failure.what(), "see --help");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Values> read_toml(const std::string& path, const std::vector<std::string>& known) {
  UNFOLD_ASSIGN_OR_RETURN(const toml::table table, parse_file(path));
  Values values;
  for (const auto& [key_node, node] : table) {
    const std::string key(key_node.str());
    const std::string where = at_line(path, node.source());
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return unknown_key(key, where, known);
    }
    auto read = values_of(node);
    if (!read) {
      return bad_setting(key, absl::StrCat("setting \"", key, "\" has a value of the wrong kind"),
                         where, "write a text, a number, true, false, or a list of these");
    }
    values[key] = *std::move(read);
  }
  return values;
}

Values read_environment(std::string_view prefix, const std::vector<std::string>& known) {
  Values values;
  for (const std::string& key : known) {
    std::string name = std::string(prefix) + absl::AsciiStrToUpper(key);
    std::replace(name.begin(), name.end(), '-', '_');
    if (const char* set = std::getenv(name.c_str())) values[key] = absl::StrSplit(set, ',');
  }
  return values;
}

absl::Status fill_from_layers(CLI::App& app, std::string_view env_prefix,
                              const std::string& config_path) {
  const auto options = settable(app);
  std::vector<std::string> known;
  for (const auto& [name, option] : options) known.push_back(name);

  Values file;
  if (!config_path.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(file, read_toml(config_path, known));
  }
  const Values environment = read_environment(env_prefix, known);
  for (const auto& [name, option] : options) {
    if (option->count() > 0) continue;
    if (const auto it = environment.find(name); it != environment.end()) {
      UNFOLD_RETURN_IF_ERROR(give(*option, name, it->second, "from the environment"));
    } else if (const auto in_file = file.find(name); in_file != file.end()) {
      UNFOLD_RETURN_IF_ERROR(give(*option, name, in_file->second, "from " + config_path));
    }
  }
  return absl::OkStatus();
}

}  // namespace unfold::config
