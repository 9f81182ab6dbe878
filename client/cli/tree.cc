#include <CLI/CLI.hpp>

#include "client/cli/commands.h"
#include "common/config/nearest.h"

namespace unfold::cli {
namespace {

constexpr int kFlagColumn = 34;

constexpr char kFooter[] = R"(Begin with `unfold up` in one terminal; in another:
  unfold submit extraction -i preproc-r0.fits -p psf-r0.fits -o frame-r0.fits --wait
  unfold jobs

Data goes to stdout, messages to stderr. Times are like 90s, 15m, 1h30m; sizes like 4GiB.

Exit codes: 0 ok; 1 job failed; 2 usage; 3 no such job, worker or response; 4 not
permitted; 5 no scheduler answers; 6 time to wait is up; 7 cancelled or expired; 8 a job's
values, inputs or paths are wrong; 9 queue full; 10 conflict; 11 only a part succeeded;
70 internal error; 130 interrupted (jobs go on).)";

// The innermost command that was recognised.
const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.back());
}

std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands({})) words.push_back(command->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

// One line: what is wrong, the nearest word that would be right, and where to look.
std::string usage_problem(const CLI::App* root, const CLI::Error& problem) {
  const CLI::App& command = innermost(*root);
  std::string what = problem.what();
  if (const std::vector<std::string> extras = command.remaining(true); !extras.empty()) {
    const std::string& word = extras.front();
    const std::string meant = config::nearest(word, words_of(command));
    what =
        "'" + word + "' is not known here" + (meant.empty() ? "" : " (do you mean " + meant + "?)");
  }
  return "unfold: " + what + " [see `" + full_name(command) + " --help`]\n";
}

}  // namespace

void add_all(CLI::App& root, Session& session) {
  root.name("unfold");
  root.description("unfold: instrument responses inverted, as a service");
  root.get_formatter()->column_width(kFlagColumn);
  root.require_subcommand(1);
  root.failure_message(usage_problem);
  add_up(root, session);
  add_submit(root, session);
  add_jobs(root, session);
  add_wait(root, session);
  add_watch(root, session);
  add_cancel(root, session);
  add_retry(root, session);
  add_explain(root, session);
  add_logs(root, session);
  add_workers(root, session);
  add_responses(root, session);
  add_simulate(root, session);
  add_import(root, session);
  add_view(root, session);
  add_diff(root, session);
  add_doctor(root, session);
  add_bench(root, session);
  add_version(root, session);
  add_completion(root, session);
  add_common_flags(root, session);
  // Last: commands would inherit it.
  root.footer(kFooter);
}

}  // namespace unfold::cli
