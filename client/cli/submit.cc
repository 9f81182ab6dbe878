#include <CLI/CLI.hpp>

#include "client/cli/commands.h"

namespace unfold::cli {

void add_submit(CLI::App& root, Session& session) {
  CLI::App* submit =
      root.add_subcommand("submit", "Submit work: extraction, exposure, imaging, spi, probe");
  submit->group("Work");
  submit->require_subcommand(1);
  add_submit_extraction(*submit, session);
  add_submit_exposure(*submit, session);
  add_submit_imaging(*submit, session);
  add_submit_spi(*submit, session);
  add_submit_probe(*submit, session);
}

}  // namespace unfold::cli
