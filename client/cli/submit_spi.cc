#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/spi_flags.h"
#include "client/cli/submit_flags.h"
#include "common/base/status_macros.h"
#include "common/plan/spi_plan.h"
#include "common/render/draw_density.h"
#include "common/roots/roots.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Files are relative to the current folder, absolute, or root:relative;
they must lie under one of the service's roots. docs/formats.md has the layouts.
A try without waiting: --dry-run says what voxel, box, angular spacing and how many
references the patterns ask for, and warns where they are too few or too coarse.

Examples:
  unfold submit spi --data patterns.h5 --output density.h5 --wait
  unfold submit spi --data patterns.h5 --output density.h5 --diameter 72 \
      --mrc density.mrc --png density.png --reference known.pdb
  unfold submit spi --data run.emc --detector det.h5 --output density.h5 --bin 1
  unfold submit spi --config config.ini --output density.h5 --dragonfly-output out
  unfold submit spi --data hits.cxi --geom agipd.geom --output density.h5 --background fit
  unfold submit spi --data patterns.h5 --output density.h5 --conformations 2
  unfold submit spi --data patterns.h5 --output density.h5 --dry-run --png look.png)";

struct Flags {
  SpiFlags spi;
  SubmitFlags submit;
};

/// Here and now, by this program: the service writes nothing for a dry run.
absl::Status draw(const v1::SpiSpec& spec) {
  UNFOLD_ASSIGN_OR_RETURN(const Roots all, Roots::make({"this-machine=/"}));
  UNFOLD_ASSIGN_OR_RETURN(const spi_data::Summary summary, plan::summarise_spi(spec, all));
  return render::draw_patterns(summary, {}).write_png(spec.png());
}

int run(Session& session, const Flags& flags) {
  v1::JobSpec job;
  *job.mutable_spi() = flags.spi.spec;
  const bool draws = flags.submit.dry_run && !flags.spi.spec.png().empty();
  if (draws) job.mutable_spi()->clear_png();
  const int code = submit_job(session, flags.submit, job);
  if (code != kOk || !draws) return code;
  const absl::Status drawn = draw(flags.spi.spec);
  return drawn.ok() ? kOk : session.fail(drawn, CallKind::kSubmit);
}

}  // namespace

void add_submit_spi(CLI::App& submit, Session& session) {
  CLI::App* command = submit.add_subcommand(
      "spi", "Reconstruct a particle from diffraction patterns of unknown orientation");
  const auto flags = std::make_shared<Flags>();
  add_spi_files(*command, flags->spi);
  add_spi_options(*command, flags->spi);
  add_submit_flags(*command, flags->submit, WithLabels::kYes);
  add_common_flags(*command, session);
  command->footer(kExamples);
  command->get_option("--output")->required();
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
