#include "client/cli/completion.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/cli/commands.h"

namespace unfold::cli {
namespace {

struct Flag {
  std::string name;
  std::string help;
};
struct Node {
  std::string path;  // "submit extraction"
  std::vector<Flag> words;
};

void collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, {}};
  for (const CLI::App* sub : app.get_subcommands({})) {
    node.words.push_back({sub->get_name(), sub->get_description()});
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      node.words.push_back({"--" + name, option->get_description()});
    }
    for (const std::string& name : option->get_snames()) {
      node.words.push_back({"-" + name, option->get_description()});
    }
  }
  nodes.push_back(std::move(node));
  for (const CLI::App* sub : app.get_subcommands({})) {
    collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), nodes);
  }
}

std::string names(const Node& node) {
  return absl::StrJoin(node.words, " ",
                       [](std::string* out, const Flag& flag) { absl::StrAppend(out, flag.name); });
}

// In bash and zsh alike: the longest known command path among the words typed so far decides what
// may follow; with no match, files are offered.
std::string bash(const std::vector<Node>& nodes) {
  std::string known;
  std::string cases;
  for (const Node& node : nodes) {
    absl::StrAppend(&known, "    '", node.path, "') path=\"$try\" ;;\n");
    absl::StrAppend(&cases, "    '", node.path, "') words='", names(node), "' ;;\n");
  }
  return absl::StrCat(R"(# bash completion of unfold: source this file
_unfold() {
  local word try path='' words=''
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    try="${path:+$path }$word"
    case "$try" in
)",
                      known, R"(    esac
  done
  case "$path" in
)",
                      cases, R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _unfold unfold
)");
}

std::string zsh_quoted(const std::string& text) {
  return absl::StrReplaceAll(text, {{"'", "'\\''"}, {":", "\\:"}});
}

std::string zsh(const std::vector<Node>& nodes) {
  std::string known;
  std::string cases;
  for (const Node& node : nodes) {
    absl::StrAppend(&known, "      '", node.path, "') at=\"$try\" ;;\n");
    absl::StrAppend(&cases, "    '", node.path, "') offers=(\n");
    for (const Flag& flag : node.words) {
      absl::StrAppend(&cases, "      '", zsh_quoted(flag.name).substr(0), ":",
                      zsh_quoted(flag.help), "'\n");
    }
    absl::StrAppend(&cases, "    ) ;;\n");
  }
  return absl::StrCat(R"(#compdef unfold
# zsh completion of unfold: put this file into a folder of $fpath as _unfold
_unfold() {
  local word try at='' i
  local -a offers
  for ((i = 2; i < CURRENT; ++i)); do
    try="${at:+$at }${words[i]}"
    case "$try" in
)",
                      known, R"(    esac
  done
  case "$at" in
)",
                      cases, R"(  esac
  if [[ "${words[CURRENT]}" == -* || "$at" == '' || "${offers[1]}" != -* ]]; then
    _describe 'unfold' offers
  fi
  _files
}
compdef _unfold unfold
)");
}

std::string fish_condition(const std::string& path) {
  if (path.empty()) return "__fish_use_subcommand";
  const std::string words =
      absl::StrReplaceAll(path, {{" ", "; and __fish_seen_subcommand_from "}});
  return "__fish_seen_subcommand_from " + words;
}

std::string fish(const std::vector<Node>& nodes) {
  std::string out = "# fish completion of unfold: source this file\n";
  for (const Node& node : nodes) {
    for (const Flag& flag : node.words) {
      const std::string help = absl::StrReplaceAll(flag.help, {{"\\", "\\\\"}, {"'", "\\'"}});
      const std::string what =
          flag.name.starts_with("--")  ? absl::StrCat("-l ", flag.name.substr(2))
          : flag.name.starts_with("-") ? absl::StrCat("-s ", flag.name.substr(1))
                                       : absl::StrCat("-f -a ", flag.name);
      absl::StrAppend(&out, "complete -c unfold -n '", fish_condition(node.path), "' ", what,
                      " -d '", help, "'\n");
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& root, const std::string& shell) {
  std::vector<Node> nodes;
  collect(root, "", nodes);
  if (shell == "zsh") return zsh(nodes);
  if (shell == "fish") return fish(nodes);
  return bash(nodes);
}

void add_completion(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("completion", "A completion script for your shell");
  command->group("Here");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
  command->footer(
      "Examples:\n  source <(unfold completion bash)\n  unfold completion fish | source");
  set_action(*command, session, [&root, &session, shell] {
    session.out << completion_script(root, *shell);
    return static_cast<int>(kOk);
  });
}

}  // namespace unfold::cli
