#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/imaging_flags.h"
#include "client/cli/parfile.h"
#include "client/cli/submit_flags.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Files are relative to the current folder, absolute, or root:relative;
they must lie under one of the service's roots. docs/formats.md has the layouts.

Examples:
  unfold submit imaging --data day.h5 --output map.h5 --wait
  unfold submit imaging --data day.h5 --response response.h5 --output map.h5 \
      --fits map.fits --png map.png --bootstrap 50 --region bulge:0,0,12
  unfold submit imaging --data day.h5 --output map.h5 --algorithm dc1 --iterations 150
  unfold submit imaging --data day.h5 --output map.h5 --algorithm map --prior gamma:0.9
  unfold submit imaging --data run.tra.gz --attitude run.ori --response grid.npz \
      --background-file background.npz --energy 501,521 --output map.h5
  unfold submit imaging --data binned.h5 --response psr_gal_511.h5 \
      --background-file background.h5 --parfile imagedeconvolution.yml --output map.h5
  unfold submit imaging --data day.h5 --output map.h5 --dry-run --output-format json)";

struct Flags {
  ImagingFlags imaging;
  SubmitFlags submit;
  std::string parfile;
};

int run(Session& session, const Flags& flags) {
  v1::JobSpec job;
  if (!flags.parfile.empty()) {
    const absl::Status status = apply_parfile(flags.parfile, *job.mutable_imaging());
    if (!status.ok()) return session.fail(status, CallKind::kSubmit);
  }
  job.mutable_imaging()->MergeFrom(flags.imaging.spec);
  return submit_job(session, flags.submit, job);
}

}  // namespace

void add_submit_imaging(CLI::App& submit, Session& session) {
  CLI::App* command =
      submit.add_subcommand("imaging", "Make the image that a Compton telescope's counts are of");
  const auto flags = std::make_shared<Flags>();
  add_imaging_files(*command, flags->imaging);
  add_imaging_options(*command, flags->imaging);
  command
      ->add_option("--parfile", flags->parfile,
                   "cosipy's image-deconvolution parameters (YAML); flags given here go before it")
      ->type_name("FILE")
      ->group("Files");
  add_submit_flags(*command, flags->submit, WithLabels::kYes);
  add_common_flags(*command, session);
  command->footer(kExamples);
  for (const char* needed : {"--data", "--output"}) command->get_option(needed)->required();
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
