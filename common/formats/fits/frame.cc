#include "common/formats/fits/frame.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/cfitsio.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/scan.h"
#include "common/formats/fits/writer.h"

namespace unfold::fits {
namespace {

using Axes = std::vector<std::int64_t>;

Header unit_header(const char* unit) {
  Header header;
  header.set("BUNIT", unit);
  return header;
}

absl::Status bad_product(std::string why) {
  return error({.code = absl::StatusCode::kDataLoss,
                .reason = "BAD_PRODUCT",
                .what = "the product is not fit to publish",
                .why = std::move(why)});
}

absl::StatusOr<const Hdu*> require_axes(const LoadedFile& file, std::string_view name,
                                        const Axes& axes) {
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* hdu, file.structure.require(name));
  if (hdu->type == HduType::kImage && hdu->axes == axes) return hdu;
  return bad_file(file.structure.shown, "WRONG_SHAPE",
                  absl::StrCat("HDU ", std::string(name), " does not go with FLUX"),
                  "check that this is a frame file");
}

// The frame's sizes, from FLUX and RESOLUTION; every other HDU is then checked against them.
absl::Status read_sizes(const LoadedFile& file, Frame& out) {
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* flux, file.structure.require("FLUX"));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* resolution, file.structure.require("RESOLUTION"));
  const bool shaped =
      flux->axes.size() == 2 && resolution->axes.size() == 3 && resolution->axes[1] % 2 == 1;
  if (!shaped || flux->axes[0] > (1 << 24) || flux->axes[1] > (1 << 24) ||
      resolution->axes[1] > (1 << 24)) {
    return bad_file(file.structure.shown, "WRONG_SHAPE", "FLUX or RESOLUTION has the wrong axes",
                    "check that this is a frame file");
  }
  out.nwave = static_cast<int>(flux->axes[0]);
  out.nspec = static_cast<int>(flux->axes[1]);
  out.ndiag = static_cast<int>(resolution->axes[1] / 2);
  return absl::OkStatus();
}

bool all_finite(std::span<const float> values) {
  bool finite = true;
  for (const float value : values) finite &= std::abs(value) < HUGE_VALF;
  return finite;
}

absl::Status check_finite(const Frame& frame) {
  const std::pair<const char*, std::span<const float>> parts[] = {{"FLUX", frame.flux},
                                                                  {"IVAR", frame.ivar},
                                                                  {"RESOLUTION", frame.resolution},
                                                                  {"CHI2PIX", frame.chi2pix}};
  for (const auto& [name, values] : parts) {
    if (!all_finite(values)) return bad_product(absl::StrCat(name, " has NaN or infinity"));
  }
  if (frame.fibermap && frame.fibermap->rows != frame.nspec) {
    return bad_product("FIBERMAP has another number of rows than FLUX");
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadedFile> load_checked(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(LoadedFile file, load_and_scan(path, "the product", WithDigest::kNo));
  if (std::string problem = checksum_problem(file); !problem.empty()) return bad_product(problem);
  return file;
}

// Whatever a reader refuses in our own product is the product's fault, not the user's.
absl::Status as_product_problem(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument
             ? bad_product(std::string(status.message()))
             : status;
}

absl::Status check_frame(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const LoadedFile file, load_checked(path));
  UNFOLD_ASSIGN_OR_RETURN(const Frame frame, parse_frame(file));
  return check_finite(frame);
}

absl::Status check_model(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const LoadedFile file, load_checked(path));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* hdu, file.structure.require("MODEL"));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<float> model, read_image<float>(file, *hdu));
  return all_finite(model) ? absl::OkStatus() : bad_product("MODEL has NaN or infinity");
}

}  // namespace

absl::StatusOr<Frame> parse_frame(const LoadedFile& file) {
  Frame out;
  UNFOLD_RETURN_IF_ERROR(read_sizes(file, out));
  const Axes plane = {out.nwave, out.nspec};
  const Axes cube = {out.nwave, 2 * out.ndiag + 1, out.nspec};
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* flux, require_axes(file, "FLUX", plane));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* ivar, require_axes(file, "IVAR", plane));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* mask, require_axes(file, "MASK", plane));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* wave, require_axes(file, "WAVELENGTH", {out.nwave}));
  UNFOLD_ASSIGN_OR_RETURN(const Hdu* resolution, require_axes(file, "RESOLUTION", cube));
  UNFOLD_ASSIGN_OR_RETURN(out.flux, read_image<float>(file, *flux));
  UNFOLD_ASSIGN_OR_RETURN(out.ivar, read_image<float>(file, *ivar));
  UNFOLD_ASSIGN_OR_RETURN(out.mask, read_image<std::uint32_t>(file, *mask));
  UNFOLD_ASSIGN_OR_RETURN(out.wavelength, read_image<double>(file, *wave));
  UNFOLD_ASSIGN_OR_RETURN(out.resolution, read_image<float>(file, *resolution));
  if (file.structure.find("CHI2PIX") != nullptr) {
    UNFOLD_ASSIGN_OR_RETURN(const Hdu* chi2pix, require_axes(file, "CHI2PIX", plane));
    UNFOLD_ASSIGN_OR_RETURN(out.chi2pix, read_image<float>(file, *chi2pix));
  }
  out.header = file.structure.hdus[0].header;
  if (const Hdu* hdu = file.structure.find("FIBERMAP")) {
    UNFOLD_ASSIGN_OR_RETURN(out.fibermap, read_table(file, *hdu));
  }
  if (const Hdu* hdu = file.structure.find("SCORES")) {
    UNFOLD_ASSIGN_OR_RETURN(out.scores, read_table(file, *hdu));
  }
  return out;
}

absl::Status write_frame(const std::string& path, const Frame& frame, bool compress) {
  const Axes plane = {frame.nwave, frame.nspec};
  const Axes cube = {frame.nwave, 2 * frame.ndiag + 1, frame.nspec};
  Header header = frame.header;
  header.set("BUNIT", "electron/Angstrom");
  UNFOLD_ASSIGN_OR_RETURN(Writer writer, Writer::create(path, compress));
  UNFOLD_RETURN_IF_ERROR(writer.image("FLUX", plane, std::span(frame.flux), header));
  UNFOLD_RETURN_IF_ERROR(writer.image("IVAR", plane, std::span(frame.ivar), {}));
  UNFOLD_RETURN_IF_ERROR(writer.image("MASK", plane, std::span(frame.mask), {}));
  UNFOLD_RETURN_IF_ERROR(writer.image("WAVELENGTH", {frame.nwave}, std::span(frame.wavelength),
                                      unit_header("Angstrom")));
  UNFOLD_RETURN_IF_ERROR(writer.image("RESOLUTION", cube, std::span(frame.resolution), {}));
  if (frame.fibermap) UNFOLD_RETURN_IF_ERROR(writer.table("FIBERMAP", *frame.fibermap));
  UNFOLD_RETURN_IF_ERROR(writer.image("CHI2PIX", plane, std::span(frame.chi2pix), {}));
  if (frame.scores) UNFOLD_RETURN_IF_ERROR(writer.table("SCORES", *frame.scores));
  return writer.finish();
}

absl::Status write_model(const std::string& path, std::span<const float> model, int ny, int nx,
                         const Header& header, bool compress) {
  UNFOLD_ASSIGN_OR_RETURN(Writer writer, Writer::create(path, compress));
  UNFOLD_RETURN_IF_ERROR(writer.image("MODEL", {nx, ny}, model, header));
  return writer.finish();
}

absl::Status verify_frame(const std::string& path) { return as_product_problem(check_frame(path)); }
absl::Status verify_model(const std::string& path) { return as_product_problem(check_model(path)); }

absl::StatusOr<Frame> read_frame(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const LoadedFile file, load_and_scan(path, shown));
  return parse_frame(file);
}

}  // namespace unfold::fits
