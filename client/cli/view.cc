#include "common/render/view.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "client/cli/commands.h"
#include "client/cli/density_summary.h"
#include "client/cli/map_summary.h"
#include "client/cli/output.h"
#include "common/compare/summary.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Draws an image with its masked pixels, a frame's spectra, a PSF's stamps, a sky map with its
exposure and convergence, the truth and exposure of a simulated imaging problem, a density's slices
and shell correlations (density.h5 or .mrc), or diffraction patterns' mean, mask and resolution. Of
a frame, a map and a density, a summary is printed as well; with --truth (of `unfold simulate`) a
frame's has the pulls.

Examples:
  unfold view map.h5
  unfold view density.h5
  unfold view frame-r0-00051060.fits
  unfold view frame-r0-00051060.fits --truth truth-r0-00051060.fits -o pulls.png)";

struct Flags {
  std::string file;
  std::string png;
  render::ViewOptions options;
};

// frame-r0.fits.gz -> frame-r0.png, in the current folder
std::string default_png(const std::string& file) {
  std::filesystem::path name = std::filesystem::path(file).filename();
  if (name.extension() == ".gz") name = name.stem();
  return name.replace_extension(".png").string();
}

int run(Session& session, const Flags& flags) {
  const std::string png = flags.png.empty() ? default_png(flags.file) : flags.png;
  const absl::StatusOr<render::Viewed> viewed = render::view(flags.file, png, flags.options);
  if (!viewed.ok()) return session.fail(viewed.status(), CallKind::kSubmit);
  nlohmann::ordered_json json = {
      {"png", png}, {"kind", viewed->kind}, {"width", viewed->width}, {"height", viewed->height}};
  if (viewed->kind == "map") {
    const absl::StatusOr<imaging_data::MapProduct> map =
        imaging_data::read_map(flags.file, flags.file);
    if (!map.ok()) return session.fail(map.status(), CallKind::kSubmit);
    json.update(summary_of(*map));
  }
  if (viewed->kind == "density") {
    const absl::StatusOr<spi_data::DensityFile> density =
        spi_data::read_density(flags.file, flags.file);
    if (!density.ok()) return session.fail(density.status(), CallKind::kSubmit);
    json.update(summary_of(*density));
  }
  if (viewed->kind != "frame") {
    emit_object(session, json);
    return kOk;
  }
  const absl::StatusOr<compare::FrameSummary> summary =
      compare::summarise(flags.file, flags.options.truth);
  if (!summary.ok()) return session.fail(summary.status(), CallKind::kSubmit);
  json.update(nlohmann::ordered_json::parse(compare::to_json(*summary)));
  emit_object(session, json);
  return kOk;
}

}  // namespace

void add_view(CLI::App& root, Session& session) {
  CLI::App* command =
      root.add_subcommand("view", "Draw a FITS, HDF5 or MRC file as a PNG; sum up a product");
  command->group("Data");
  const auto flags = std::make_shared<Flags>();
  command
      ->add_option("FILE", flags->file,
                   "An image, frame, PSF, map, imaging problem, density or patterns")
      ->required()
      ->type_name("");
  command->add_option("-o,--output", flags->png, "The PNG [named after FILE, in this folder]")
      ->type_name("FILE");
  command->add_option("--truth", flags->options.truth, "Truth file of the simulator, for pulls")
      ->type_name("FILE");
  command
      ->add_option("--image", flags->options.image,
                   "Image the frame was extracted from, drawn above it")
      ->type_name("FILE");
  command->add_option("--fibres", flags->options.fibres, "Which to draw, as 0,25,499 [a few]")
      ->delimiter(',')
      ->type_name("LIST");
  command->add_option("--width", flags->options.width, "Pixels [1400]")->type_name("N");
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
