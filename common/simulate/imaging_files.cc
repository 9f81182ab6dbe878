#include "common/simulate/imaging_files.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::simulate {
namespace {

namespace fs = std::filesystem;

absl::Status make_folder(const fs::path& folder) {
  std::error_code failure;
  if (!folder.empty()) fs::create_directories(folder, failure);
  if (!failure) return absl::OkStatus();
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "WRITE_FAILED",
                .field = "output",
                .what = absl::StrCat("cannot make folder ", folder.string()),
                .why = failure.message()});
}

RawImagingFiles raw_names(const fs::path& folder) {
  return {.events = (folder / "events.tra.gz").string(),
          .attitude = (folder / "attitude.ori").string(),
          .background = (folder / "background.npz").string(),
          .response = (folder / "response.npz").string()};
}

absl::Status make_room(const ImagingFileOptions& options, const ImagingFiles& files) {
  for (const std::string& path : {files.data, files.response, files.raw.events, files.raw.attitude,
                                  files.raw.background, files.raw.response}) {
    if (path.empty()) continue;
    UNFOLD_RETURN_IF_ERROR(make_folder(fs::path(path).parent_path()));
    if (!options.overwrite && fs::exists(path)) {
      return error({.code = absl::StatusCode::kAlreadyExists,
                    .reason = "OUTPUT_EXISTS",
                    .field = "output",
                    .what = path + " exists",
                    .remedy = "choose another name, or allow overwriting"});
    }
  }
  return absl::OkStatus();
}

void describe(const ImagingScene& scene, const imaging_data::ProblemParts& parts,
              std::size_t counts, ImagingFiles& files) {
  files.time_bins = parts.times;
  files.pointings = static_cast<std::int64_t>(parts.attitude.live_time.size());
  files.pixels = parts.sky.pixels();
  files.bins = parts.bins;
  files.counts = static_cast<std::int64_t>(counts);
  files.source_counts = scene.expected_source_counts();
  for (std::size_t p = 0; p < parts.truth.size(); ++p)
    files.flux += parts.truth[p] * parts.sky.solid_angle[p];
  files.amplitudes = scene.true_amplitudes(parts);
}

}  // namespace

absl::StatusOr<ImagingFiles> simulate_imaging(const ImagingOptions& options,
                                              const ImagingFileOptions& file_options) {
  ImagingFiles files;
  files.data = file_options.output;
  files.response = file_options.response;
  if (!file_options.raw_folder.empty()) files.raw = raw_names(file_options.raw_folder);
  UNFOLD_ASSIGN_OR_RETURN(const ImagingScene scene, ImagingScene::make(options));
  UNFOLD_RETURN_IF_ERROR(make_room(file_options, files));
  const std::vector<DrawnEvent> events = scene.draw(options.seed);
  const imaging_data::ProblemParts parts = scene.problem(events);
  UNFOLD_RETURN_IF_ERROR(imaging_data::write_problem(files.data, parts,
                                                     {.response_path = files.response,
                                                      .events = file_options.events,
                                                      .overwrite = file_options.overwrite}));
  if (!files.raw.events.empty())
    UNFOLD_RETURN_IF_ERROR(write_raw_imaging(files.raw, scene, parts, events));
  describe(scene, parts, events.size(), files);
  return files;
}

}  // namespace unfold::simulate
