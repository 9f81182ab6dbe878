#include "workers/engines/imaging/map_outputs.h"

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/render/sky_map.h"
#include "common/sky/exposure.h"
#include "workers/engines/imaging/map_product.h"

namespace unfold::engine {
namespace {

constexpr int kMapFile = 0;  // of the plan's outputs
constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kPngEnd("\x00\x00\x00\x00IEND\xae\x42\x60\x82", 12);

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

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

absl::Status verify_png(const std::string& bytes) {
  const std::string_view all = bytes;
  if (all.size() > kPngEnd.size() && all.ends_with(kPngEnd)) return absl::OkStatus();
  return error({.code = absl::StatusCode::kInternal,
                .reason = "BAD_PRODUCT",
                .field = "imaging.png",
                .what = "the picture is not whole",
                .why = "it has no end",
                .remedy = ""});
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
  const std::string bytes = bytes_of_file(target.part_path);
  if (bytes.starts_with(kPngSignature)) return verify_png(bytes);
  return imaging_data::verify_fits_map(target.part_path);
}

}  // namespace unfold::engine
