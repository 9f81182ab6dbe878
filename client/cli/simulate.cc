#include <CLI/CLI.hpp>

#include "client/cli/commands.h"

namespace unfold::cli {

void add_simulate(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("simulate", "Realistic inputs with known truth");
  command->group("Data");
  command->require_subcommand(1);
  add_simulate_extraction(*command, session);
  add_simulate_imaging(*command, session);
  add_simulate_spi(*command, session);
}

}  // namespace unfold::cli
