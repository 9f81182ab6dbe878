#include "common/render/draw_density.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/render/density.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

using spi_data::DensityFile;
using spi_data::DensityMap;

constexpr int kLine = 24;
constexpr int kMargin = 24;
constexpr std::size_t kMostReasons = 8;

std::string angstroms(double resolution) {
  return std::isfinite(resolution) ? absl::StrFormat("%.3g A", resolution) : "none";
}

Colour colour_of_verdict(const std::string& verdict) {
  if (verdict == "converged") return kBlue;
  return verdict == "ambiguous" ? kOrange : kPurple;
}

/// What the whole job says, cut to what fits.
Canvas draw_verdict(const DensityFile& file, int width) {
  const std::size_t reasons = std::min(file.reasons.size(), kMostReasons);
  Canvas canvas(width, kMargin + kLine * (2 + static_cast<int>(reasons)), kPaper);
  int y = kMargin;
  canvas.text(kMargin, y, absl::StrCat("Verdict: ", file.verdict.empty() ? "none" : file.verdict),
              colour_of_verdict(file.verdict), Align::kLeft, kTextScale);
  y += kLine;
  canvas.text(kMargin, y,
              absl::StrFormat("%d frames, grid %d, voxel %.3g A, qmax %.4g 1/A",
                              file.orientations.size(), file.grid, file.voxel(), file.qmax),
              kInk, Align::kLeft, kTextScale);
  for (std::size_t i = 0; i < reasons; ++i) {
    y += kLine;
    canvas.text(kMargin, y, absl::StrCat("- ", file.reasons[i]), kInk, Align::kLeft, kTextScale);
  }
  return canvas;
}

std::vector<ShellCurve> curves_of(const DensityMap& map) {
  std::vector<ShellCurve> all = {{"half maps, less supports", map.fsc_corrected, kBlue, 3},
                                 {"half maps", map.fsc, mixed(kBlue, kPaper, 0.5), 2},
                                 {"intensities of halves", map.intensity_fsc, kPurple, 2},
                                 {"phasing (prtf)", map.prtf, mixed(kInk, kPaper, 0.4), 2},
                                 {"reference", map.reference_fsc, kOrange, 2}};
  std::erase_if(all, [](const ShellCurve& curve) { return curve.values.empty(); });
  return all;
}

std::string name_of(std::size_t number, std::size_t of) {
  return of == 1 ? "density" : absl::StrCat("conformation ", number + 1);
}

Canvas below(const std::vector<Canvas>& panels, int width) {
  int height = 0;
  for (const Canvas& panel : panels) height += panel.height();
  Canvas all(width, height, kPaper);
  int y = 0;
  for (const Canvas& panel : panels) {
    all.paste(panel, 0, y);
    y += panel.height();
  }
  return all;
}

}  // namespace

Canvas draw_density(const DensityFile& file, const ViewOptions& options) {
  std::vector<Canvas> panels = {draw_verdict(file, options.width)};
  const double step = file.grid > 0 ? 2 * file.qmax / static_cast<double>(file.grid) : 0;
  for (std::size_t c = 0; c < file.maps.size(); ++c) {
    const DensityMap& map = file.maps[c];
    panels.push_back(draw_slices({file.grid, file.voxel(), map.density}, options.width,
                                 name_of(c, file.maps.size())));
  }
  for (std::size_t c = 0; c < file.maps.size(); ++c) {
    const DensityMap& map = file.maps[c];
    const std::vector<ShellCurve> curves = curves_of(map);
    if (curves.empty()) continue;
    panels.push_back(draw_shells(
        curves, step, file.qmax, options.width,
        absl::StrCat(name_of(c, file.maps.size()), ": resolution ", angstroms(map.resolution),
                     ", of intensities ", angstroms(map.intensity_resolution))));
  }
  return below(panels, options.width);
}

absl::StatusOr<Canvas> draw_volume(const spi_data::Volume& volume, const ViewOptions& options) {
  if (volume.shape[0] != volume.shape[1] || volume.shape[1] != volume.shape[2]) {
    return error({.reason = "WRONG_SHAPE",
                  .field = "file",
                  .what = "cannot draw the volume",
                  .why = "it is no cube"});
  }
  const std::vector<double> density(volume.values.begin(), volume.values.end());
  return draw_slices({volume.shape[0], volume.voxel[0], density}, options.width,
                     absl::StrFormat("grid %d, voxel %.3g A", volume.shape[0], volume.voxel[0]));
}

}  // namespace unfold::render
