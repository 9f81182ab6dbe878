#include "common/compare/diff.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Exit code: 0 the same within the tolerances, 1 not, 8 a file cannot be read.

Examples:
  unfold diff frame-a.fits frame-b.fits
  unfold diff reference.fits frame.fits --flux 0.05 --ivar 1e-3 --output-format json)";

struct Flags {
  std::string a;
  std::string b;
  compare::Tolerances tolerances;
};

int run(Session& session, const Flags& flags) {
  const absl::StatusOr<compare::FrameDifference> difference =
      compare::diff_frames(flags.a, flags.b, flags.tolerances);
  if (!difference.ok()) return session.fail(difference.status(), CallKind::kSubmit);
  if (session.format == OutputFormat::kTable) {
    session.out << compare::to_text(*difference);
  } else {
    session.out << compare::to_json(*difference) << "\n";
  }
  return difference->same ? kOk : kJobFailed;
}

}  // namespace

void add_diff(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("diff", "Compare two frames: numbers and headers");
  command->group("Data");
  const auto flags = std::make_shared<Flags>();
  compare::Tolerances& largest = flags->tolerances;
  command->add_option("A", flags->a, "A frame")->required()->type_name("");
  command->add_option("B", flags->b, "Another")->required()->type_name("");
  const auto tolerance = [&](const char* name, auto& target, const char* help) {
    command->add_option(name, target, help)->type_name("X")->group("Tolerances");
  };
  tolerance("--flux", largest.flux_sigma, "Of flux, in standard deviations [1e-4]");
  tolerance("--ivar", largest.ivar, "Of ivar, relative [1e-5]");
  tolerance("--resolution", largest.resolution, "Of the resolution, absolute [1e-6]");
  tolerance("--chi2pix", largest.chi2pix, "Of chi2pix, relative [1e-3]");
  tolerance("--wavelength", largest.wavelength, "Of wavelengths, Angstrom [1e-6]");
  tolerance("--ivar-floor", largest.ivar_floor,
            "Leave out bins below this share of the median ivar [1e-6]");
  tolerance("--mask-bins", largest.mask_bins, "Bins whose mask may differ [0]");
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
