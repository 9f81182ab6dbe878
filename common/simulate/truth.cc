#include "common/simulate/truth.h"

#include <span>

#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/scan.h"
#include "common/formats/fits/writer.h"

namespace unfold::simulate {

absl::Status write_truth(const std::string& path, const Truth& truth, std::uint64_t seed) {
  fits::Header header;
  header.set("CONTENT", "TRUTH", "what a simulated image was made from");
  header.set("BUNIT", "photon");
  header.set("FIBERMIN", truth.first_fibre, "row of the PSF of the first spectrum");
  header.set("SIMSEED", static_cast<std::int64_t>(seed));
  fits::Header wavelength_header;
  wavelength_header.set("BUNIT", "Angstrom");
  UNFOLD_ASSIGN_OR_RETURN(fits::Writer writer, fits::Writer::create(path, false));
  UNFOLD_RETURN_IF_ERROR(writer.image("FLUX", {truth.nwave, truth.nspec},
                                      std::span<const double>(truth.photons), header));
  UNFOLD_RETURN_IF_ERROR(writer.image(
      "WAVELENGTH", {truth.nwave}, std::span<const double>(truth.wavelength), wavelength_header));
  return writer.finish();
}

absl::StatusOr<Truth> read_truth(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::LoadedFile file, fits::load_and_scan(path, path));
  const fits::Hdu* flux = file.structure.find("FLUX");
  const fits::Hdu* wavelength = file.structure.find("WAVELENGTH");
  if (flux == nullptr || wavelength == nullptr || !flux->header.has("CONTENT")) {
    return fits::bad_file(path, "WRONG_TYPE", "it is no truth file of the simulator",
                          "give the truth-*.fits written beside the image");
  }
  if (flux->axes.size() != 2 || wavelength->axes.size() != 1 ||
      wavelength->axes[0] != flux->axes[0]) {
    return fits::bad_file(path, "WRONG_SHAPE", "FLUX and WAVELENGTH do not fit", "");
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t first, flux->header.integer("FIBERMIN"));
  Truth truth;
  truth.first_fibre = static_cast<int>(first);
  truth.nwave = static_cast<int>(flux->axes[0]);
  truth.nspec = static_cast<int>(flux->axes[1]);
  UNFOLD_ASSIGN_OR_RETURN(truth.photons, fits::read_image<double>(file, *flux));
  UNFOLD_ASSIGN_OR_RETURN(truth.wavelength, fits::read_image<double>(file, *wavelength));
  return truth;
}

}  // namespace unfold::simulate
