#include "workers/engines/spi/density_outputs.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/formats/spi/dragonfly.h"
#include "common/formats/spi/mrc.h"
#include "common/plan/spi_plan.h"
#include "common/render/draw_density.h"
#include "workers/engines/spi/dragonfly_outputs.h"
#include "workers/engines/verify_png.h"

namespace unfold::engine {
namespace {

constexpr int kDensityFile = 0;  // of the plan's outputs

absl::Status write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out) return absl::OkStatus();
  return error({.code = absl::StatusCode::kInternal,
                .reason = "WRITE_FAILED",
                .field = "spi.dragonfly_output",
                .what = "cannot write the log",
                .why = "the file system refused",
                .remedy = "see whether the disk is full"});
}

absl::Status broken(const OutputTarget& target, const char* why) {
  return error({.code = absl::StatusCode::kInternal,
                .reason = "BAD_PRODUCT",
                .field = "spi",
                .what = absl::StrCat(target.rooted_path, " is not whole"),
                .why = why,
                .remedy = ""});
}

absl::Status write_volume(const spi_data::DensityFile& file, const OutputTarget& target) {
  spi_data::Volume volume =
      spi_data::centred_volume(file.grid, file.voxel(), file.maps.front().density);
  volume.labels = {absl::StrCat("unfold spi, ", file.verdict), spi_data::kHandUndetermined};
  return spi_data::write_mrc(target.part_path, volume);
}

}  // namespace

absl::Status write_output(const spi_data::DensityFile& file, const v1::SpiSpec& spec,
                          const OutputTarget& target) {
  if (target.index == kDensityFile) return spi_data::write_density(target.part_path, file);
  if (target.rooted_path == spec.mrc()) return write_volume(file, target);
  if (target.rooted_path == spec.png()) {
    return render::draw_density(file, {}).write_png(target.part_path);
  }
  const plan::DragonflyPaths dragonfly = plan::dragonfly_paths(spec);
  if (target.rooted_path == dragonfly.log) {
    return write_text(target.part_path, spi_data::log_text(log_of(file, spec)));
  }
  return spi_data::write_iterate(target.part_path, iterate_of(file));
}

absl::Status verify_spi_output(const OutputTarget& target) {
  if (target.index == kDensityFile) return spi_data::verify_density(target.part_path);
  if (is_png(target.part_path)) return verify_png(target.part_path, "spi.png");
  if (absl::EndsWith(target.rooted_path, "/EMC.log")) {
    std::error_code problem;
    const bool empty = std::filesystem::file_size(target.part_path, problem) == 0;
    return problem || empty ? broken(target, "it is empty") : absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace unfold::engine
