#include "common/simulate/spi_files.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/molecule.h"
#include "common/formats/spi/pattern_file.h"
#include "common/simulate/spi_truth.h"

namespace unfold::simulate {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLargestGrid = 401;

absl::Status make_room(const SpiFiles& files, bool overwrite) {
  for (const std::string& path : {files.data, files.detector, files.config, files.truth}) {
    if (path.empty()) continue;
    std::error_code failure;
    const fs::path folder = fs::path(path).parent_path();
    if (!folder.empty()) fs::create_directories(folder, failure);
    if (failure) {
      return error({.code = absl::StatusCode::kUnavailable,
                    .reason = "WRITE_FAILED",
                    .field = "output",
                    .what = absl::StrCat("cannot make folder ", folder.string()),
                    .why = failure.message()});
    }
    if (!overwrite && fs::exists(path)) {
      return error({.code = absl::StatusCode::kAlreadyExists,
                    .reason = "OUTPUT_EXISTS",
                    .field = "output",
                    .what = path + " exists",
                    .remedy = "choose another name, or allow overwriting"});
    }
  }
  return absl::OkStatus();
}

SpiFiles named(const SpiFileOptions& options) {
  SpiFiles files;
  files.data = options.output;
  const fs::path output(options.output);
  const std::string stem = (output.parent_path() / output.stem()).string();
  if (options.format == SpiFormat::kEmc) {
    files.detector = stem + "-detector.h5";
    files.config = stem + ".ini";
  }
  files.truth =
      options.truth.empty()
          ? (output.parent_path() / absl::StrCat("truth-", output.stem().string(), ".h5")).string()
          : options.truth;
  return files;
}

absl::StatusOr<std::vector<spi_data::Molecule>> read_molecules(const SpiFileOptions& options,
                                                               SpiFiles& files) {
  std::vector<spi_data::Molecule> molecules;
  if (options.chains.size() > 1 && options.chains.size() != options.pdb.size()) {
    return error({.reason = "OUT_OF_RANGE",
                  .field = "chain",
                  .what = "there are not as many chains as PDB files",
                  .remedy = "name one for all, or one for each"});
  }
  for (std::size_t i = 0; i < options.pdb.size(); ++i) {
    spi_data::PdbChoice choice;
    if (!options.chains.empty()) choice.chains = options.chains[i % options.chains.size()];
    UNFOLD_ASSIGN_OR_RETURN(spi_data::Molecule molecule,
                            spi_data::read_pdb({options.pdb[i], options.pdb[i]}, choice));
    spi_data::centre(molecule);
    files.diameter = std::max(files.diameter, spi_data::diameter_of(molecule));
    for (const std::string& warning : molecule.warnings)
      files.warnings.push_back(absl::StrCat(options.pdb[i], ": ", warning));
    molecules.push_back(std::move(molecule));
  }
  return molecules;
}

/// The smallest odd grid whose box is twice the diameter; voxels are 1 / (2 qmax).
absl::StatusOr<std::int64_t> grid_for(std::int64_t asked, double diameter, double qmax) {
  const auto needed = static_cast<std::int64_t>(std::ceil(4 * diameter * qmax));
  const std::int64_t grid = asked > 0 ? asked : std::max<std::int64_t>(needed | 1, 5);
  if (grid % 2 == 1 && grid <= kLargestGrid) return grid;
  return error({.reason = "OUT_OF_RANGE",
                .field = "grid",
                .what = absl::StrCat("the truth's grid, ", grid, ", is not odd and in 1 .. 401"),
                .remedy = "choose another"});
}

absl::Status write_config(const SpiFiles& files, const spi_data::Detector& detector) {
  std::ofstream out(files.config, std::ios::binary | std::ios::trunc);
  out << spi_data::config_text(fs::path(files.data).filename().string(),
                               fs::path(files.detector).filename().string(), detector);
  out.close();
  if (out) return absl::OkStatus();
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "WRITE_FAILED",
                .field = "output",
                .what = "cannot write " + files.config});
}

absl::Status write_patterns(const SpiFileOptions& file_options, const SpiFiles& files,
                            SpiPatterns& patterns) {
  spi_data::PatternParts parts;
  parts.detector = patterns.detector;
  parts.frames = patterns.frames;
  parts.truth = patterns.truth;
  parts.background = patterns.background;
  parts.title =
      "made by `unfold simulate spi`; frames before their noise are exact sums over atoms";
  if (patterns.counts.empty()) {
    parts.intensities = std::move(patterns.expected);
  } else {
    parts.counts = std::move(patterns.counts);
  }
  if (file_options.format == SpiFormat::kCspi) return spi_data::write_cspi(files.data, parts);
  UNFOLD_RETURN_IF_ERROR(spi_data::write_emc(files.data, parts));
  UNFOLD_RETURN_IF_ERROR(spi_data::write_dragonfly_detector(files.detector, parts.detector));
  return write_config(files, parts.detector);
}

void describe(const SpiPatterns& patterns, SpiFiles& files) {
  files.frames = patterns.frames;
  files.pixels = patterns.detector.pixels();
  files.non_hits = std::accumulate(patterns.truth.non_hits.begin(), patterns.truth.non_hits.end(),
                                   std::int64_t{0});
  files.photons = std::accumulate(patterns.counts.begin(), patterns.counts.end(), 0.0) /
                  static_cast<double>(patterns.frames);
}

}  // namespace

absl::StatusOr<SpiFiles> simulate_spi(const SpiOptions& options,
                                      const SpiFileOptions& file_options) {
  SpiFiles files = named(file_options);
  if (file_options.format == SpiFormat::kEmc && options.photons == 0) {
    return error({.reason = "UNSUPPORTED",
                  .field = "format",
                  .what = ".emc files hold whole photons",
                  .remedy = "ask for photons, or for cspi"});
  }
  UNFOLD_RETURN_IF_ERROR(make_room(files, file_options.overwrite));
  UNFOLD_ASSIGN_OR_RETURN(const auto molecules, read_molecules(file_options, files));
  if (options.object == SpiObject::kBall) files.diameter = options.ball_diameter;
  UNFOLD_ASSIGN_OR_RETURN(const spi_data::Detector detector, detector_of(options.geometry));
  files.resolution = 1 / detector.qmax();
  UNFOLD_ASSIGN_OR_RETURN(files.grid, grid_for(file_options.grid, files.diameter, detector.qmax()));
  files.voxel = files.resolution / 2;
  UNFOLD_ASSIGN_OR_RETURN(SpiPatterns made, patterns(molecules, options));
  describe(made, files);
  UNFOLD_RETURN_IF_ERROR(write_spi_truth(files.truth, made, molecules, options, files.grid));
  UNFOLD_RETURN_IF_ERROR(write_patterns(file_options, files, made));
  return files;
}

}  // namespace unfold::simulate
