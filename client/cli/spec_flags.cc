#include "client/cli/spec_flags.h"

#include "client/cli/paths.h"

namespace unfold::cli {

void file_flag(CLI::App& command, std::string* target, const std::string& names,
               const std::string& help) {
  command
      .add_option_function<std::string>(
          names, [target](const std::string& typed) { *target = server_path(typed); }, help)
      ->type_name("FILE")
      ->group("Files");
}

}  // namespace unfold::cli
