#include "common/formats/fits/preproc.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/scan.h"
#include "common/formats/fits/writer.h"

namespace unfold::fits {
namespace {

struct Parts {
  const Hdu* image = nullptr;
  const Hdu* ivar = nullptr;
  const Hdu* mask = nullptr;
  const Hdu* fibermap = nullptr;  // or none
  int nx = 0;
  int ny = 0;
};

constexpr std::int64_t kMaxSide = 32768;

absl::Status looks_like_something_else(const Structure& structure) {
  const bool psf = structure.find("XTRACE") != nullptr || structure.find("PSF") != nullptr ||
                   structure.hdus[0].header.has("PSFTYPE");
  return bad_file(structure.shown, psf ? "WRONG_TYPE" : "MISSING_HDU",
                  psf ? "it is a PSF, not a preproc image" : "it has no HDU IMAGE",
                  "give a preproc file with HDUs IMAGE, IVAR and MASK");
}

absl::StatusOr<Parts> find_parts(const Structure& structure) {
  Parts out;
  out.image = structure.find("IMAGE");
  if (out.image == nullptr) return looks_like_something_else(structure);
  UNFOLD_ASSIGN_OR_RETURN(out.ivar, structure.require("IVAR"));
  UNFOLD_ASSIGN_OR_RETURN(out.mask, structure.require("MASK"));
  out.fibermap = structure.find("FIBERMAP");
  std::vector<std::int64_t> shape;
  for (const Hdu* hdu : {out.image, out.ivar, out.mask}) {
    UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int64_t> axes, image_axes(structure, *hdu));
    const bool plane = axes.size() == 2 && axes[0] >= 1 && axes[1] >= 1 && axes[0] <= kMaxSide &&
                       axes[1] <= kMaxSide;
    if (shape.empty()) shape = axes;
    if (!plane || axes != shape) {
      return bad_file(structure.shown, "WRONG_SHAPE",
                      absl::StrCat("HDU ", hdu->name,
                                   plane ? " differs in size from IMAGE" : " is no plane image"),
                      "IMAGE, IVAR and MASK must be images of one size");
    }
  }
  out.nx = static_cast<int>(shape[0]);
  out.ny = static_cast<int>(shape[1]);
  return out;
}

std::string camera_of(const Header& header) {
  return absl::AsciiStrToLower(header.string("CAMERA").value_or(""));
}

// Pixels that cannot be used lose their weight and their value, so that nothing spreads.
std::int64_t drop_nonfinite(std::vector<float>& image, std::vector<float>& ivar) {
  std::int64_t dropped = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const bool good = std::abs(image[i]) < HUGE_VALF && ivar[i] >= 0 && ivar[i] < HUGE_VALF;
    image[i] = good ? image[i] : 0;
    ivar[i] = good ? ivar[i] : 0;
    dropped += good ? 0 : 1;
  }
  return dropped;
}

}  // namespace

absl::StatusOr<Preproc> read_preproc(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const LoadedFile file, load_and_scan(path, shown));
  return parse_preproc(file);
}

absl::StatusOr<Preproc> parse_preproc(const LoadedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(const Parts parts, find_parts(file.structure));
  Preproc out;
  out.nx = parts.nx;
  out.ny = parts.ny;
  UNFOLD_ASSIGN_OR_RETURN(out.image, read_image<float>(file, *parts.image));
  UNFOLD_ASSIGN_OR_RETURN(out.ivar, read_image<float>(file, *parts.ivar));
  UNFOLD_ASSIGN_OR_RETURN(out.mask, read_image<std::int32_t>(file, *parts.mask));
  out.nonfinite_pixels = drop_nonfinite(out.image, out.ivar);
  out.header = file.structure.hdus[0].header;
  out.camera = camera_of(out.header);
  if (parts.fibermap != nullptr) {
    UNFOLD_ASSIGN_OR_RETURN(out.fibermap, read_table(file, *parts.fibermap));
  }
  out.sha256 = file.bytes.sha256;
  return out;
}

absl::StatusOr<PreprocSummary> read_preproc_summary(const std::string& path,
                                                    const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const ScannedHeaders scanned, scan_headers(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const Parts parts, find_parts(scanned.structure));
  PreprocSummary out;
  out.nx = parts.nx;
  out.ny = parts.ny;
  out.header = scanned.structure.hdus[0].header;
  out.camera = camera_of(out.header);
  out.compressed = scanned.compressed;
  if (parts.fibermap != nullptr && parts.fibermap->type == HduType::kBinaryTable) {
    out.has_fibermap = true;
    out.fibermap_rows = parts.fibermap->axes[1];
    out.fibermap_header = parts.fibermap->header;
  }
  return out;
}

absl::StatusOr<Table> read_fibermap(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const LoadedFile file, load_and_scan(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* hdu, file.structure.require("FIBERMAP"));
  return read_table(file, *hdu);
}

std::int64_t apply_mask(Preproc& preproc, std::uint32_t bits) {
  std::int64_t masked = 0;
  for (std::size_t i = 0; i < preproc.ivar.size(); ++i) {
    const bool bad = (static_cast<std::uint32_t>(preproc.mask[i]) & bits) != 0;
    masked += bad && preproc.ivar[i] > 0 ? 1 : 0;
    preproc.ivar[i] = bad ? 0 : preproc.ivar[i];
  }
  return masked;
}

absl::Status write_preproc(const std::string& path, const Preproc& preproc) {
  const std::vector<std::int64_t> axes = {preproc.nx, preproc.ny};
  const bool compress = path.size() > 3 && path.ends_with(".gz");
  UNFOLD_ASSIGN_OR_RETURN(Writer writer, Writer::create(path, compress));
  UNFOLD_RETURN_IF_ERROR(writer.image("IMAGE", axes, std::span(preproc.image), preproc.header));
  UNFOLD_RETURN_IF_ERROR(writer.image("IVAR", axes, std::span(preproc.ivar), {}));
  const std::vector<std::int16_t> mask(preproc.mask.begin(), preproc.mask.end());
  UNFOLD_RETURN_IF_ERROR(writer.image("MASK", axes, std::span(mask), {}));
  if (preproc.fibermap) UNFOLD_RETURN_IF_ERROR(writer.table("FIBERMAP", *preproc.fibermap));
  return writer.finish();
}

}  // namespace unfold::fits
