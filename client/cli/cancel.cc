#include <CLI/CLI.hpp>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/each_job.h"
#include "common/base/ids.h"

namespace unfold::cli {

void add_cancel(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("cancel", "Cancel jobs: a queued one at once, a running one within 2 s");
  command->group("Work");
  const auto ids = std::make_shared<std::vector<std::string>>();
  command->add_option("ID", *ids, "Jobs, or exposures as 20261120-00051060")
      ->required()
      ->type_name("");
  add_common_flags(*command, session);
  set_action(*command, session, [&session, ids] {
    return for_each_job(session, *ids, [&session](const std::string& id) {
      v1::CancelRequest request;
      request.set_id(id);
      request.set_request_id(RandomIdSource().uuid());
      return session.client().cancel(request);
    });
  });
}

}  // namespace unfold::cli
