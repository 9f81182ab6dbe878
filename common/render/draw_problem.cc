#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/source.h"
#include "common/render/draw_map.h"
#include "common/render/plot.h"
#include "common/render/sky_map.h"

namespace unfold::render {
namespace {

constexpr std::int64_t kMostPixels = 12 * 1024 * 1024;

/// `in/exposure` over the pixels' areas; empty where the file has none.
absl::StatusOr<std::vector<double>> exposure_of(const std::string& path, const sky::Grid& grid) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(path, path));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of("in/exposure"));
  if (kind != hdf5::ObjectKind::kDataset) return std::vector<double>();
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset("in/exposure"));
  UNFOLD_ASSIGN_OR_RETURN(std::vector<double> exposure, dataset.read_all<double>(kMostPixels));
  if (exposure.size() != grid.solid_angle.size())
    return dataset.problem("WRONG_SHAPE", absl::StrCat("it is not [", grid.pixels(), "]"));
  for (std::size_t p = 0; p < exposure.size(); ++p) exposure[p] /= grid.solid_angle[p];
  return exposure;
}

}  // namespace

absl::StatusOr<Canvas> draw_problem(const std::string& path, const ViewOptions& options) {
  imaging_data::SourceFiles files;
  files.data = {path, path};
  UNFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<imaging_data::Source> source,
                          imaging_data::open_source(files, {}));
  const sky::Grid& grid = source->header().sky;
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> exposure, exposure_of(path, grid));
  const absl::StatusOr<std::vector<double>> truth = source->truth();
  const bool known = truth.ok() && truth->size() == grid.l_deg.size();
  if (exposure.empty() && !known) {
    return error({.code = absl::StatusCode::kNotFound,
                  .reason = "MISSING_OBJECT",
                  .field = "file",
                  .what = absl::StrCat("nothing to draw in ", path),
                  .why = "it has no exposure and no truth",
                  .remedy = "submit it as a job, and view the map"});
  }
  std::vector<Canvas> panels;
  if (known)
    panels.push_back(draw_sky_map(
        grid, *truth,
        {.width = options.width, .title = "truth", .unit = "cm-2 s-1 sr-1", .exposure = exposure}));
  if (!exposure.empty())
    panels.push_back(draw_sky_map(grid, exposure,
                                  {.width = options.width,
                                   .title = "exposure",
                                   .unit = "cm2 s",
                                   .exposure = exposure,
                                   .hatch = false,
                                   .stretch = false}));
  int height = 0;
  for (const Canvas& panel : panels) height += panel.height();
  Canvas all(options.width, height, kPaper);
  int y = 0;
  for (const Canvas& panel : panels) {
    all.paste(panel, 0, y);
    y += panel.height();
  }
  return all;
}

}  // namespace unfold::render
