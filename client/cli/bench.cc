#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/load.h"

namespace unfold::cli {
namespace {

constexpr char kFooter[] =
    R"(Measures the service with probe jobs that do nothing; the scheduler must run with
--enable-probe-engine, best `unfold up --dir SCRATCH --workers 0` (submit, list) or
`--workers 1` (dispatch). The jobs stay in that scheduler's store. One JSON object on stdout.

Examples:
  unfold bench submit --clients 64 --jobs 20000
  unfold bench submit --fill 100000            also times listing by page
  unfold bench dispatch --jobs 500)";

struct Flags {
  SubmitLoad submit{};
  std::int64_t fill = 0;
  int pages = 50;
  int dispatch_jobs = 500;
};

nlohmann::ordered_json to_json(const Quantiles& sample) {
  return {{"p50", sample.p50}, {"p90", sample.p90}, {"p99", sample.p99}, {"max", sample.max}};
}

int run_submit(Session& session, const Flags& flags) {
  SubmitLoad load = flags.submit;
  load.server = session.server;
  const absl::StatusOr<SubmitResult> result = measure_submit(load);
  if (!result.ok()) return session.fail(result.status(), CallKind::kSubmit);
  nlohmann::ordered_json out = {
      {"bench", "submit"},
      {"clients", load.clients},
      {"submitted", result->submitted},
      {"seconds", result->seconds},
      {"per_second", static_cast<double>(result->submitted) / result->seconds},
      {"submit_ms", to_json(result->milliseconds)}};
  if (flags.fill > 0) {
    if (absl::Status filled = fill_queue(session.client(), flags.fill); !filled.ok()) {
      return session.fail(filled, CallKind::kSubmit);
    }
    const absl::StatusOr<Quantiles> list = measure_list_ms(session.client(), flags.pages);
    if (!list.ok()) return session.fail(list.status());
    out["queued"] = flags.fill;
    out["list_page_ms"] = to_json(*list);
  }
  session.out << out.dump() << "\n";
  return kOk;
}

int run_dispatch(Session& session, const Flags& flags) {
  const absl::StatusOr<DispatchResult> result =
      measure_dispatch(session.client(), flags.dispatch_jobs);
  if (!result.ok()) return session.fail(result.status(), CallKind::kSubmit);
  session.out << nlohmann::ordered_json{{"bench", "dispatch"},
                                        {"jobs", flags.dispatch_jobs},
                                        {"dispatch_ms", to_json(result->begun_ms)},
                                        {"cycle_ms", to_json(result->cycle_ms)}}
                     .dump()
              << "\n";
  return kOk;
}

}  // namespace

void add_bench(CLI::App& root, Session& session) {
  CLI::App* bench = root.add_subcommand("bench", "Measure the service under load");
  bench->group("Here");
  bench->require_subcommand(1);
  bench->footer(kFooter);
  const auto flags = std::make_shared<Flags>();

  CLI::App* submit = bench->add_subcommand("submit", "Durable submissions: latency and rate");
  submit->add_option("--clients", flags->submit.clients, "Connections at once [1]")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  submit->add_option("--jobs", flags->submit.jobs, "How many over all clients [1000]")
      ->check(CLI::Range(1, 10'000'000))
      ->type_name("N");
  submit->add_option("--fill", flags->fill, "Then queue up to so many and time pages of 100")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  submit->add_option("--pages", flags->pages, "How many pages to time [50]")
      ->check(CLI::Range(1, 100'000))
      ->type_name("N");
  add_common_flags(*submit, session);
  set_action(*submit, session, [&session, flags] { return run_submit(session, *flags); });

  CLI::App* dispatch = bench->add_subcommand("dispatch", "From submission to a free worker");
  dispatch->add_option("--jobs", flags->dispatch_jobs, "How many, one after another [500]")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  add_common_flags(*dispatch, session);
  set_action(*dispatch, session, [&session, flags] { return run_dispatch(session, *flags); });
}

}  // namespace unfold::cli
