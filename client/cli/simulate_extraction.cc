#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/flag_types.h"
#include "client/cli/output.h"
#include "common/simulate/simulate.h"

namespace unfold::cli {
namespace {

using Options = simulate::ExtractionOptions;

constexpr char kExamples[] =
    R"(Writes preproc-{camera}-{expid:08d}.fits, psf-... (unless --psf names one) and
truth-..., which holds what went in: `unfold view` shows pulls against it.

Examples:
  unfold simulate extraction --camera r0 --dir night
  unfold simulate extraction --nspec 25 -w 6000,6400,0.8 --cosmics 200 --seed 7 --dir small)";

template <class Value>
void option(CLI::App& command, const char* names, Value& target, const char* group,
            const char* help) {
  command.add_option(names, target, help)->group(group);
}

void add_scene(CLI::App& command, Options& options) {
  constexpr char kGroup[] = "Scene";
  option(command, "--camera", options.camera, kGroup, "b, r or z, then 0..9 [r0]");
  option(command, "-p,--psf", options.psf, kGroup, "PSF file to use [one is made]");
  command
      .add_option_function<std::string>(
          "-w,--wavelength",
          [&options](const std::string& text) {
            const v1::WavelengthGrid grid = wavelength_flag(text, "--wavelength");
            options.wave_min = grid.min();
            options.wave_max = grid.max();
            options.wave_step = grid.step();
          },
          "Grid with light: wmin,wmax,step [the camera's]")
      ->type_name("W,W,DW")
      ->group(kGroup);
  option(command, "-s,--specmin", options.first_fibre, kGroup, "First fibre [0]");
  option(command, "-n,--nspec", options.fibres, kGroup, "Number of fibres [500]");
  option(command, "--oversample", options.oversample, kGroup, "Wavelengths with light a bin [1]");
  option(command, "--heliocentric-factor", options.heliocentric_factor, kGroup,
         "HELIOCOR that an extraction will correct for [1]");
  option(command, "--seed", options.seed, kGroup, "Same seed, same files [1]");
}

void add_detector(CLI::App& command, Options& options) {
  constexpr char kGroup[] = "Detector";
  option(command, "--read-noise", options.read_noise, kGroup, "Electrons [3]");
  option(command, "--cosmics", options.cosmics, kGroup, "Cosmic ray hits [0]");
  option(command, "--cosmics-flagged", options.cosmics_flagged, kGroup,
         "Share of them that MASK knows [1]");
  option(command, "--bad-columns", options.bad_columns, kGroup, "Columns flagged bad [0]");
  option(command, "--bad-pixels", options.bad_pixels, kGroup, "Pixels flagged bad [0]");
  option(command, "--nan-pixels", options.nan_pixels, kGroup, "Pixels that are NaN [0]");
  command
      .add_option_function<std::string>(
          "--ivar",
          [&options](const std::string& from) {
            options.ivar =
                from == "pixels" ? simulate::IvarFrom::kPixels : simulate::IvarFrom::kModel;
          },
          "From the noise-free model or the noisy pixels [model]")
      ->check(CLI::IsMember({"model", "pixels"}))
      ->group(kGroup);
}

void add_exposure(CLI::App& command, Options& options) {
  constexpr char kGroup[] = "Exposure and files";
  option(command, "--night", options.night, kGroup, "YYYYMMDD [20261120]");
  option(command, "--expid", options.expid, kGroup, "Exposure number [51060]");
  option(command, "--obstype", options.obstype, kGroup, "OBSTYPE card [SCIENCE]");
  option(command, "--exptime", options.exptime, kGroup, "Seconds [1000]");
  option(command, "--mjd", options.mjd, kGroup, "Start of the exposure");
  option(command, "--ra", options.ra, kGroup, "TARGTRA, degrees");
  option(command, "--dec", options.dec, kGroup, "TARGTDEC, degrees");
  option(command, "--dir,--directory", options.directory, kGroup, "Folder for the files [.]");
  command.add_flag("--gzip", options.gzip, "Write the image as .fits.gz")->group(kGroup);
  command.add_flag("--overwrite", options.overwrite, "Replace files that exist")->group(kGroup);
}

int run(Session& session, const Options& options) {
  const absl::StatusOr<simulate::ExtractionFiles> files = simulate::simulate_extraction(options);
  if (!files.ok()) return session.fail(files.status(), CallKind::kSubmit);
  const nlohmann::ordered_json json = {
      {"image", files->image},         {"psf", files->psf},
      {"truth", files->truth},         {"bins", files->bins},
      {"electrons", files->electrons}, {"masked_pixels", files->masked_pixels}};
  emit_object(session, json);
  return kOk;
}

}  // namespace

void add_simulate_extraction(CLI::App& simulate, Session& session) {
  CLI::App* command =
      simulate.add_subcommand("extraction", "One camera's CCD image, its PSF and the truth");
  const auto options = std::make_shared<Options>();
  add_scene(*command, *options);
  add_detector(*command, *options);
  add_exposure(*command, *options);
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, options] { return run(session, *options); });
}

}  // namespace unfold::cli
