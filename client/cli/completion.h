#pragma once

#include <string>

namespace CLI {
class App;
}

namespace unfold::cli {

/// A completion script made from the command tree: subcommands and flags, and the words that a flag
/// takes where they are a closed set. `shell` is bash, zsh or fish.
std::string completion_script(const CLI::App& root, const std::string& shell);

}  // namespace unfold::cli
