#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "common/simulate/imaging_files.h"

namespace unfold::cli {
namespace {

using Options = simulate::ImagingOptions;

constexpr char kExamples[] =
    R"(Writes one HDF5 file that `unfold submit imaging --data` takes, with the truth and the
exposure in it. Presets: tiny (18 degree pixels, 48 time bins), medium (6 degrees, 96) and dc1
(6 degrees, 2240 time bins, 8960 pointings, about 150000 counts: COSI's Data Challenge 1).
Other flags change the preset; the first --source replaces its sources.

Examples:
  unfold simulate imaging -o tiny.h5
  unfold simulate imaging --preset dc1 -o day.h5 --response response.h5
  unfold simulate imaging --source=-30,10,0.05 --source 40,-20,0.05 --bulge 0 -o two.h5
  unfold simulate imaging --preset medium --mismatch --groups 0.8,1,1.3 -o hard.h5
  unfold simulate imaging --orbit --pointings 12 -o orbit.h5 --write-raw raw)";

/// What the flags change of a preset, in their order on the command line.
struct Flags {
  std::string preset = "tiny";
  std::vector<std::function<void(Options&)>> changes;
  std::vector<simulate::SkySource> sources;
  simulate::ImagingFileOptions files;
};

simulate::SkySource source_flag(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  simulate::SkySource source;
  if (parts.size() != 3 || !absl::SimpleAtod(parts[0], &source.l_deg) ||
      !absl::SimpleAtod(parts[1], &source.b_deg) || !absl::SimpleAtod(parts[2], &source.flux)) {
    throw CLI::ValidationError("--source", "'" + text + "' is not l,b,flux [as in 60,-20,0.01]");
  }
  return source;
}

/// Adds flags that set one member each.
class Adder {
 public:
  Adder(CLI::App& command, Flags& flags, const char* group)
      : command_(command), flags_(flags), group_(group) {}

  template <class Value>
  const Adder& add(const char* names, Value Options::*member, const char* help) const {
    command_
        .add_option_function<Value>(
            names,
            [&flags = flags_, member](const Value& value) {
              flags.changes.push_back(
                  [member, value](Options& options) { options.*member = value; });
            },
            help)
        ->delimiter(',')
        ->group(group_);
    return *this;
  }

 private:
  CLI::App& command_;
  Flags& flags_;
  const char* group_;
};

void add_sky(CLI::App& command, Flags& flags) {
  command.add_option("--preset", flags.preset, "tiny, medium or dc1 [tiny]")
      ->check(CLI::IsMember({"tiny", "medium", "dc1"}))
      ->group("Sky");
  command
      .add_option_function<std::vector<std::string>>(
          "--source",
          [&flags](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) flags.sources.push_back(source_flag(text));
          },
          "Point source: degrees and cm-2 s-1; may be repeated")
      ->type_name("L,B,FLUX")
      ->group("Sky");
  Adder(command, flags, "Sky")
      .add("--bulge", &Options::bulge, "Flux of the bulge, cm-2 s-1")
      .add("--bulge-fwhm", &Options::bulge_fwhm, "Its width, degrees [10]")
      .add("--disk", &Options::disk, "Flux of the Galactic disk, cm-2 s-1");
}

void add_instrument(CLI::App& command, Flags& flags) {
  Adder(command, flags, "Instrument and background")
      .add("--pixel", &Options::pixel_deg, "Degrees: pixels, directions and scatter angles")
      .add("--area", &Options::effective_area, "Effective area on axis, cm2 [4]")
      .add("--arm", &Options::arm_fwhm, "Angular resolution measure, degrees FWHM [7]")
      .add("--energy", &Options::energy, "The line, keV [511]")
      .add("--zenith-cut", &Options::zenith_cut_deg, "Field of view, degrees from the axis [90]")
      .add("--background-counts", &Options::background_counts, "Expected, at scale 1")
      .add("--groups", &Options::group_scale,
           "True background of as many equal stretches of time, as 0.8,1,1.3 [1]");
}

void add_flight(CLI::App& command, Flags& flags) {
  Adder(command, flags, "Flight")
      .add("--times", &Options::time_bins, "Time bins")
      .add("--pointings", &Options::pointings, "Pointings in each [4]")
      .add("--time-step", &Options::time_step, "Seconds a time bin [1800]")
      .add("--rocking", &Options::rocking_deg, "Degrees from the zenith, orbit only [22]")
      .add("--dead-bins", &Options::dead_bins, "Time bins without live time, as 5,9");
  command
      .add_flag_function(
          "--orbit",
          [&flags](std::int64_t) {
            flags.changes.push_back(
                [](Options& options) { options.platform = simulate::Platform::kOrbit; });
          },
          "A satellite with Earth occultation, not a balloon")
      ->group("Flight");
}

void add_files(CLI::App& command, Flags& flags) {
  command
      .add_flag_function(
          "--mismatch",
          [&flags](std::int64_t) {
            flags.changes.push_back([](Options& options) { options.mismatch = true; });
          },
          "Truth on a three times finer sky, a response of finite counts, a wrong background")
      ->group("Realism");
  Adder(command, flags, "Realism")
      .add("--response-counts", &Options::response_counts, "A direction, with --mismatch [50000]")
      .add("--seed", &Options::seed, "Same seed, same files [1]");
  constexpr char kGroup[] = "Files";
  command.add_option("-o,--output", flags.files.output, "The data [imaging.h5]")
      ->type_name("FILE")
      ->group(kGroup);
  command.add_option("--response", flags.files.response, "The response apart [inside the data]")
      ->type_name("FILE")
      ->group(kGroup);
  command
      .add_option("--write-raw", flags.files.raw_folder,
                  "Folder for .tra.gz, .ori and .npz of the same counts")
      ->type_name("DIR")
      ->group(kGroup);
  command.add_flag("--events", flags.files.events, "Counts as a list, not as an array")
      ->group(kGroup);
  command.add_flag("--overwrite", flags.files.overwrite, "Replace files that exist")->group(kGroup);
}

nlohmann::ordered_json json_of(const simulate::ImagingFiles& files) {
  nlohmann::ordered_json json = {{"data", files.data}};
  if (!files.response.empty()) json["response"] = files.response;
  if (!files.raw.events.empty()) {
    json["raw_events"] = files.raw.events;
    json["raw_attitude"] = files.raw.attitude;
    json["raw_background"] = files.raw.background;
    json["raw_response"] = files.raw.response;
  }
  json.update({{"time_bins", files.time_bins},
               {"pointings", files.pointings},
               {"pixels", files.pixels},
               {"bins", files.bins},
               {"counts", files.counts},
               {"source_counts", files.source_counts},
               {"flux", files.flux},
               {"background_amplitude", files.amplitudes}});
  return json;
}

int run(Session& session, const Flags& flags) {
  absl::StatusOr<Options> options = simulate::imaging_preset(flags.preset);
  if (!options.ok()) return session.fail(options.status(), CallKind::kSubmit);
  for (const auto& change : flags.changes) change(*options);
  if (!flags.sources.empty()) options->sources = flags.sources;
  const absl::StatusOr<simulate::ImagingFiles> files =
      simulate::simulate_imaging(*options, flags.files);
  if (!files.ok()) return session.fail(files.status(), CallKind::kSubmit);
  emit_object(session, json_of(*files));
  return kOk;
}

}  // namespace

void add_simulate_imaging(CLI::App& simulate, Session& session) {
  CLI::App* command = simulate.add_subcommand(
      "imaging", "A Compton telescope's counts, its response, and the truth");
  const auto flags = std::make_shared<Flags>();
  add_sky(*command, *flags);
  add_instrument(*command, *flags);
  add_flight(*command, *flags);
  add_files(*command, *flags);
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
