#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/extraction_flags.h"
#include "client/cli/submit_flags.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Files are relative to the current folder, absolute, or root:relative;
they must lie under one of the service's roots.

Examples:
  unfold submit extraction -i preproc-r0-00051060.fits.gz -p psf-r0-00051060.fits \
      -o frame-r0-00051060.fits -w 5760,7620,0.8 --wait
  unfold submit extraction -i raw:20261120/preproc-r0-00051060.fits -p raw:psf-r0.fits \
      -o out:frame-r0.fits.gz --mode strips --label tile=1234
  unfold submit extraction -i P -p PSF -o F --dry-run --output-format json)";

struct Flags {
  ExtractionFlags extraction;
  SubmitFlags submit;
};

int run(Session& session, const Flags& flags) {
  if (!flags.extraction.ignored.empty()) {
    session.err << "unfold: warning: without effect here: " << flags.extraction.ignored << "\n";
  }
  v1::JobSpec spec;
  *spec.mutable_extraction() = flags.extraction.spec;
  return submit_job(session, flags.submit, spec);
}

}  // namespace

void add_submit_extraction(CLI::App& submit, Session& session) {
  CLI::App* command = submit.add_subcommand(
      "extraction",
      "Extract the spectra of one camera's CCD image (flags of desi_extract_spectra)");
  const auto flags = std::make_shared<Flags>();
  add_extraction_files(*command, flags->extraction);
  add_extraction_options(*command, flags->extraction);
  add_submit_flags(*command, flags->submit, WithLabels::kYes);
  add_ignored_flags(*command, flags->extraction);
  add_common_flags(*command, session);
  command->footer(kExamples);
  for (const char* needed : {"--image", "--psf", "--output"})
    command->get_option(needed)->required();
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
