#include "common/compare/diff.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "common/compare/density_diff.h"
#include "common/compare/map_diff.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/density_file.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Exit code: 0 the same within the tolerances, 1 not, 8 a file cannot be read.

Examples:
  unfold diff frame-a.fits frame-b.fits
  unfold diff reference.fits frame.fits --flux 0.05 --ivar 1e-3 --output-format json
  unfold diff map-a.h5 map-b.h5 --map 1e-5
  unfold diff density-a.h5 density-b.h5 --density 0)";

struct Flags {
  std::string a;
  std::string b;
  compare::Tolerances tolerances;
  double map = 1e-6;
  double density = 1e-6;
};

template <class Difference>
int report(Session& session, const absl::StatusOr<Difference>& difference) {
  if (!difference.ok()) return session.fail(difference.status(), CallKind::kSubmit);
  if (session.format == OutputFormat::kTable) {
    session.out << compare::to_text(*difference);
  } else {
    session.out << compare::to_json(*difference) << "\n";
  }
  return difference->same ? kOk : kJobFailed;
}

// What either is decides: reading then says what the other is not.
int run(Session& session, const Flags& flags) {
  for (const std::string& path : {flags.a, flags.b}) {
    const absl::StatusOr<bool> hdf5 = hdf5::is_hdf5(path, path);
    if (!hdf5.ok()) return session.fail(hdf5.status(), CallKind::kSubmit);
    if (!*hdf5) continue;
    const absl::StatusOr<bool> density = spi_data::is_density(path, path);
    if (!density.ok()) return session.fail(density.status(), CallKind::kSubmit);
    return *density ? report(session, compare::diff_densities(flags.a, flags.b, flags.density))
                    : report(session, compare::diff_maps(flags.a, flags.b, flags.map));
  }
  return report(session, compare::diff_frames(flags.a, flags.b, flags.tolerances));
}

}  // namespace

void add_diff(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("diff", "Compare two frames, maps or densities: numbers and headers");
  command->group("Data");
  const auto flags = std::make_shared<Flags>();
  compare::Tolerances& largest = flags->tolerances;
  command->add_option("A", flags->a, "A frame, map.h5 or density.h5")->required()->type_name("");
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
  tolerance("--map", flags->map, "Of each dataset of a map, relative to its largest value [1e-6]");
  tolerance("--density", flags->density,
            "Of each dataset of a density, relative to its largest value [1e-6]");
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
