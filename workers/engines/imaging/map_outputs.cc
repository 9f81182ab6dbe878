#include "workers/engines/imaging/map_outputs.h"

#include <vector>

#include "common/render/sky_map.h"
#include "common/sky/exposure.h"
#include "workers/engines/imaging/map_product.h"
#include "workers/engines/verify_png.h"

namespace unfold::engine {
namespace {

constexpr int kMapFile = 0;  // of the plan's outputs

absl::Status write_picture(const imaging_data::MapProduct& map, const OutputTarget& target) {
  render::SkyMapOptions options{.title = target.rooted_path, .unit = "cm-2 s-1 sr-1"};
  const std::vector<double> exposure = sky::exposure_per_area(map.sky, map.exposure);
  options.exposure = exposure;
  for (const imaging_data::MapRegion& region : map.regions) {
    options.circles.push_back({region.name, region.l_deg, region.b_deg, region.radius_deg});
  }
  const std::vector<double> image = sky::over_energies(map.sky, map.map);
  return render::draw_sky_map(map.sky, image, options).write_png(target.part_path);
}

}  // namespace

absl::Status write_output(const imaging_data::MapProduct& map, const v1::ImagingSpec& spec,
                          const OutputTarget& target) {
  if (target.index == kMapFile) return write_map(target.part_path, map);
  if (target.rooted_path == spec.fits()) return write_fits_map(target.part_path, map);
  return write_picture(map, target);
}

absl::Status verify_output(const OutputTarget& target) {
  if (target.index == kMapFile) return imaging_data::verify_map(target.part_path);
  if (is_png(target.part_path)) return verify_png(target.part_path, "imaging.png");
  return imaging_data::verify_fits_map(target.part_path);
}

}  // namespace unfold::engine
