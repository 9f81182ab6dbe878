#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/imaging_flags.h"
#include "client/cli/output.h"
#include "common/formats/imaging/problem_file.h"
#include "common/formats/imaging/raw_problem.h"
#include "common/formats/imaging/raw_source.h"
#include "common/plan/imaging_options.h"

namespace unfold::cli {
namespace {

constexpr char kExamples[] =
    R"(Bins raw events by the rules of COSI's Data Challenge 1 and writes one HDF5 file that
`unfold submit imaging --data` takes (docs/formats.md), so that many jobs can share the work.

Examples:
  unfold import imaging --data run.tra.gz --response grid.npz --background-file ling.npz -o day.h5
  unfold import imaging --data run.tra.gz --attitude run.ori --response grid.npz \
      --background-file ling.npz --energy 1803,1817 -o day.h5 --response-output response.h5)";

struct Flags {
  std::string data;
  std::string response;
  std::string background;
  std::string attitude;
  std::string output;
  imaging_data::ProblemFileOptions file;
  ImagingFlags binning;
};

imaging_data::NamedFile named(const std::string& path) { return {path, path}; }

nlohmann::ordered_json summary_of(const imaging_data::RawSource& source, const Flags& flags) {
  const imaging_data::RawSummary& s = source.summary();
  const imaging_data::Header& header = source.header();
  nlohmann::ordered_json json = {{"output", flags.output},
                                 {"events", s.events},
                                 {"counts", s.binned},
                                 {"lost_outside_energy", s.outside_energy},
                                 {"lost_outside_template", s.outside_template},
                                 {"lost_in_binning_gaps", s.outside_binning},
                                 {"lost_after_last_time_bin", s.outside_time_bins},
                                 {"lost_unphysical", s.unphysical},
                                 {"other_types", s.other_types},
                                 {"time_bins", s.time_bins},
                                 {"empty_time_bins", s.empty_time_bins.size()},
                                 {"data_bins", header.bins},
                                 {"pixels", header.sky.pixels()},
                                 {"pointings", s.pointings},
                                 {"pointings_dropped", s.pointings_dropped},
                                 {"live_time", s.live_time}};
  if (!flags.file.response_path.empty()) json["response"] = flags.file.response_path;
  if (!header.warnings.empty()) json["warnings"] = header.warnings;
  return json;
}

int run(Session& session, const Flags& flags) {
  const absl::StatusOr<imaging_data::Binning> binning = plan::binning_of(flags.binning.spec);
  if (!binning.ok()) return session.fail(binning.status(), CallKind::kSubmit);
  const imaging_data::SourceFiles files{.data = named(flags.data),
                                        .response = named(flags.response),
                                        .background = named(flags.background),
                                        .attitude = named(flags.attitude)};
  const auto source = imaging_data::open_raw_source(files, *binning);
  if (!source.ok()) return session.fail(source.status(), CallKind::kSubmit);
  const absl::StatusOr<imaging_data::ProblemParts> parts =
      imaging_data::problem_of(**source, *binning);
  if (!parts.ok()) return session.fail(parts.status(), CallKind::kSubmit);
  const absl::Status written = imaging_data::write_problem(flags.output, *parts, flags.file);
  if (!written.ok()) return session.fail(written, CallKind::kSubmit);
  emit_object(session, summary_of(**source, flags));
  return kOk;
}

void add_files(CLI::App& command, Flags& flags) {
  constexpr char kGroup[] = "Files";
  const auto file = [&](const char* name, std::string& target, const char* help) {
    return command.add_option(name, target, help)->type_name("FILE")->group(kGroup);
  };
  file("-d,--data", flags.data, "Events: .tra or .tra.gz of MEGAlib")->required();
  file("-r,--response", flags.response, "Response: .npz with ResponseGrid")->required();
  file("--background-file", flags.background, "Background: .npz with bg_response")->required();
  file("--attitude", flags.attitude, "Orientations: .ori [the events' own aspects]");
  file("-o,--output", flags.output, "HDF5 to write")->required();
  file("--response-output", flags.file.response_path,
       "Write the instrument's response there [into the same file]");
  command.add_flag("--events", flags.file.events, "Write counts as a list, not as an array")
      ->group(kGroup);
  command.add_flag("--overwrite", flags.file.overwrite, "Replace files that exist")->group(kGroup);
}

}  // namespace

void add_import(CLI::App& root, Session& session) {
  CLI::App* group = root.add_subcommand("import", "Other programs' files, as inputs of jobs");
  group->group("Data");
  group->require_subcommand(1);
  CLI::App* command =
      group->add_subcommand("imaging", "COSI's raw events, response and background");
  const auto flags = std::make_shared<Flags>();
  add_files(*command, *flags);
  add_imaging_binning(*command, flags->binning);
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
