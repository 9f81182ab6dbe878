#include "common/render/view.h"

#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/scan.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/map_file.h"
#include "common/render/draw_map.h"
#include "common/render/drawings.h"
#include "common/render/plot.h"

namespace unfold::render {
namespace {

constexpr int kLeastWidth = 900;
constexpr int kMostWidth = 8192;

enum class Kind { kPreproc, kFrame, kPsf, kMap, kProblem };

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
  }
  return "";
}

absl::StatusOr<Kind> kind_of_hdf5(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(path, path));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind map, file.kind_of("map"));
  if (map == hdf5::ObjectKind::kDataset) return Kind::kMap;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind in, file.kind_of("in"));
  if (in == hdf5::ObjectKind::kGroup) return Kind::kProblem;
  return fits::bad_file(path, "WRONG_TYPE", "it holds neither a map nor an imaging problem",
                        "give what `submit imaging` or `simulate imaging` wrote");
}

absl::StatusOr<Kind> kind_of(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const bool is_hdf5, hdf5::is_hdf5(path, path));
  if (is_hdf5) return kind_of_hdf5(path);
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

absl::StatusOr<Canvas> picture_of(const std::string& path, Kind kind, const ViewOptions& options) {
  if (kind == Kind::kPreproc) return picture_of_image(path, options);
  if (kind == Kind::kProblem) return draw_problem(path, options);
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
