#include "common/render/view.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/scan.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/map_file.h"
#include "common/formats/spi/density_file.h"
#include "common/formats/spi/mrc.h"
#include "common/formats/spi/source.h"
#include "common/render/draw_density.h"
#include "common/render/draw_map.h"
#include "common/render/drawings.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

constexpr int kLeastWidth = 900;
constexpr int kMostWidth = 8192;

enum class Kind { kPreproc, kFrame, kPsf, kMap, kProblem, kDensity, kVolume, kPatterns };

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::kPreproc:
      return "preproc";
    case Kind::kFrame:
      return "frame";
    case Kind::kPsf:
      return "psf";
    case Kind::kMap:
      return "map";
    case Kind::kProblem:
      return "problem";
    case Kind::kDensity:
      return "density";
    case Kind::kVolume:
      return "volume";
    case Kind::kPatterns:
      return "patterns";
  }
  return "";
}

absl::StatusOr<Kind> kind_of_hdf5(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(path, path));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind map, file.kind_of("map"));
  if (map == hdf5::ObjectKind::kDataset) return Kind::kMap;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind in, file.kind_of("in"));
  if (in == hdf5::ObjectKind::kGroup) return Kind::kProblem;
  UNFOLD_ASSIGN_OR_RETURN(const bool density, spi_data::is_density(path, path));
  if (density) return Kind::kDensity;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind q, file.kind_of("pixel_position_reciprocal"));
  if (q == hdf5::ObjectKind::kDataset) return Kind::kPatterns;
  return fits::bad_file(path, "WRONG_TYPE", "it holds no map, density, patterns or imaging problem",
                        "give what a job or `unfold simulate` wrote");
}

absl::StatusOr<Kind> kind_of(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const bool is_hdf5, hdf5::is_hdf5(path, path));
  if (is_hdf5) return kind_of_hdf5(path);
  if (std::filesystem::path(path).extension() == ".mrc") return Kind::kVolume;
  UNFOLD_ASSIGN_OR_RETURN(const fits::ScannedHeaders file, fits::scan_headers(path, path));
  const fits::Structure& parts = file.structure;
  if (parts.find("FLUX") != nullptr && parts.find("RESOLUTION") != nullptr) return Kind::kFrame;
  if (parts.find("IMAGE") != nullptr && parts.find("IVAR") != nullptr) return Kind::kPreproc;
  for (const fits::Hdu& hdu : parts.hdus) {
    if (hdu.header.has("PSFTYPE")) return Kind::kPsf;
  }
  return fits::bad_file(path, "WRONG_TYPE", "it is no preproc image, frame or PSF",
                        "give one of these, not a log or a catalogue");
}

absl::StatusOr<Canvas> picture_of_frame(const std::string& path, const ViewOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::Frame frame, fits::read_frame(path));
  if (options.truth.empty()) return draw_frame(frame, nullptr, options);
  UNFOLD_ASSIGN_OR_RETURN(const simulate::Truth truth, simulate::read_truth(options.truth));
  return draw_frame(frame, &truth, options);
}

absl::StatusOr<Canvas> picture_of_image(const std::string& path, const ViewOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::Preproc image, fits::read_preproc(path));
  return draw_preproc(image, options);
}

absl::StatusOr<Canvas> picture_of_patterns(const std::string& path, const ViewOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(const auto source, spi_data::open_patterns({.data = {{path, path}}}));
  UNFOLD_ASSIGN_OR_RETURN(const spi_data::Summary summary, spi_data::summarise(*source, {}));
  return draw_patterns(summary, options);
}

absl::StatusOr<Canvas> picture_of(const std::string& path, Kind kind, const ViewOptions& options) {
  if (kind == Kind::kPreproc) return picture_of_image(path, options);
  if (kind == Kind::kProblem) return draw_problem(path, options);
  if (kind == Kind::kPatterns) return picture_of_patterns(path, options);
  if (kind == Kind::kDensity) {
    UNFOLD_ASSIGN_OR_RETURN(const spi_data::DensityFile file, spi_data::read_density(path, path));
    return draw_density(file, options);
  }
  if (kind == Kind::kVolume) {
    UNFOLD_ASSIGN_OR_RETURN(const spi_data::Volume volume, spi_data::read_mrc({path, path}));
    return draw_volume(volume, options);
  }
  if (kind == Kind::kMap) {
    UNFOLD_ASSIGN_OR_RETURN(const imaging_data::MapProduct map, imaging_data::read_map(path, path));
    return draw_map(map, options);
  }
  if (kind == Kind::kPsf) {
    UNFOLD_ASSIGN_OR_RETURN(const fits::Psf psf, fits::read_psf(path));
    return draw_psf(psf, options);
  }
  UNFOLD_ASSIGN_OR_RETURN(Canvas frame, picture_of_frame(path, options));
  if (options.image.empty()) return frame;
  UNFOLD_ASSIGN_OR_RETURN(const Canvas image, picture_of_image(options.image, options));
  Canvas both(frame.width(), image.height() + frame.height(), kPaper);
  both.paste(image, 0, 0);
  both.paste(frame, 0, image.height());
  return both;
}

}  // namespace

absl::StatusOr<Viewed> view(const std::string& path, const std::string& png,
                            const ViewOptions& options) {
  if (options.width < kLeastWidth || options.width > kMostWidth) {
    return error({.reason = "OUT_OF_RANGE",
                  .field = "width",
                  .what = "the picture's width is not in 900 .. 8192 pixels"});
  }
  UNFOLD_ASSIGN_OR_RETURN(const Kind kind, kind_of(path));
  UNFOLD_ASSIGN_OR_RETURN(const Canvas canvas, picture_of(path, kind, options));
  UNFOLD_RETURN_IF_ERROR(canvas.write_png(png));
  return Viewed{name_of(kind), canvas.width(), canvas.height()};
}

}  // namespace unfold::render
