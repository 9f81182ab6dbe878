#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/formats/fits/table.h"
#include "common/simulate/make_psf.h"
#include "common/simulate/row_major.h"
#include "common/simulate/scene.h"
#include "common/simulate/simulate.h"
#include "common/simulate/spectra.h"
#include "common/simulate/truth.h"

namespace unfold::simulate {
namespace {

namespace fs = std::filesystem;

absl::Status bad_option(const std::string& field, const std::string& what, const std::string& why) {
  return error({.reason = "OUT_OF_RANGE", .field = field, .what = what, .why = why});
}

absl::StatusOr<Grid> grid_of(const ExtractionOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(Grid grid, camera_grid(options.camera));
  if (options.wave_min != 0) grid.min = options.wave_min;
  if (options.wave_max != 0) grid.max = options.wave_max;
  if (options.wave_step != 0) grid.step = options.wave_step;
  // Negated, so that nan is refused too.
  if (!(grid.step > 0) || !(grid.max >= grid.min) || !(grid.max - grid.min < 1e5 * grid.step)) {
    return bad_option("wavelength", "no such wavelength grid",
                      absl::StrFormat("%g to %g in steps of %g", grid.min, grid.max, grid.step));
  }
  return grid;
}

absl::Status check(const ExtractionOptions& options, const fits::Psf& psf) {
  if (psf.type != fits::PsfType::kGaussHermite) {
    return error({.code = absl::StatusCode::kUnimplemented,
                  .reason = "UNSUPPORTED",
                  .field = "psf",
                  .what = "cannot simulate with this PSF",
                  .why = "it is GAUSS-HERMITE2",
                  .remedy = "take a GAUSS-HERMITE file, or let one be made"});
  }
  if (options.first_fibre < 0 || options.fibres < 1 ||
      options.first_fibre > psf.nspec - options.fibres) {
    return bad_option("fibres", "no such fibres",
                      absl::StrCat("the PSF has ", psf.nspec, " fibres"));
  }
  if (options.oversample < 1 || options.oversample > 100) {
    return bad_option("oversample", "oversample is not in 1 .. 100", "");
  }
  if (!(std::abs(options.heliocentric_factor - 1) < 0.001)) {
    return bad_option("heliocentric_factor", "heliocentric factor is not within 0.001 of 1", "");
  }
  if (!(options.read_noise > 0)) return bad_option("read_noise", "read noise is not positive", "");
  return absl::OkStatus();
}

/// The light's own grid: `oversample` wavelengths in each bin.
std::vector<double> fine_wavelengths(const Grid& grid, int oversample) {
  std::vector<double> out;
  out.reserve(row_major(grid.size(), oversample));
  for (int bin = 0; bin < grid.size(); ++bin) {
    for (int k = 0; k < oversample; ++k) {
      out.push_back(grid.wavelength(bin) + grid.step * ((k + 0.5) / oversample - 0.5));
    }
  }
  return out;
}

/// Photons [fibres, fine wavelengths].
std::vector<double> make_light(const ExtractionOptions& options,
                               const std::vector<double>& wavelength, double width) {
  const std::vector<Line> sky = sky_lines(wavelength.front() - 50, wavelength.back() + 50);
  std::vector<double> light;
  light.reserve(static_cast<std::size_t>(options.fibres) * wavelength.size());
  for (int i = 0; i < options.fibres; ++i) {
    const Target target = make_target(options.first_fibre + i, options.seed);
    const std::vector<double> photons = photons_per_bin(target, sky, wavelength, width);
    light.insert(light.end(), photons.begin(), photons.end());
  }
  return light;
}

Truth make_truth(const ExtractionOptions& options, const Grid& grid,
                 const std::vector<double>& light) {
  Truth truth;
  truth.first_fibre = options.first_fibre;
  truth.nspec = options.fibres;
  truth.nwave = grid.size();
  for (int bin = 0; bin < grid.size(); ++bin) truth.wavelength.push_back(grid.wavelength(bin));
  const auto group = static_cast<std::size_t>(options.oversample);
  for (std::size_t i = 0; i < light.size(); i += group) {
    const auto begin = light.begin() + static_cast<std::ptrdiff_t>(i);
    truth.photons.push_back(
        std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(group), 0.0));
  }
  return truth;
}

fits::Header make_header(const ExtractionOptions& options) {
  fits::Header header;
  header.set("CAMERA", options.camera);
  header.set("SPECGRPH", static_cast<int>(options.camera[1] - '0'), "spectrograph");
  header.set("NIGHT", options.night);
  header.set("EXPID", options.expid);
  header.set("OBSTYPE", options.obstype);
  header.set("FLAVOR", options.obstype == "SCIENCE" ? "science" : "calib");
  header.set("EXPTIME", options.exptime, "[s]");
  header.set("MJD-OBS", options.mjd, "start of the exposure");
  header.set("TARGTRA", options.ra, "[deg]");
  header.set("TARGTDEC", options.dec, "[deg]");
  header.set("RDNOISE", options.read_noise, "[electron]");
  header.set("BUNIT", "electron");
  header.set("SIMULATE", true, "made by unfold simulate: no telescope was involved");
  header.set("SIMSEED", static_cast<std::int64_t>(options.seed));
  return header;
}

/// A row for each fibre of the spectrograph, as fibre assignment writes them; SIMTYPE is ours.
fits::Table make_fibermap(const ExtractionOptions& options, int fibres) {
  const int spectrograph = options.camera[1] - '0';
  std::vector<std::int64_t> target_id;
  std::vector<std::int32_t> fibre;
  std::vector<std::int32_t> status;
  std::vector<std::int32_t> petal;
  std::vector<std::string> type;
  std::vector<std::string> kind;
  std::vector<double> ra;
  std::vector<double> dec;
  for (int i = 0; i < fibres; ++i) {
    const Target target = make_target(i, options.seed);
    fibre.push_back(spectrograph * fibres + i);
    target_id.push_back(options.expid * 10000 + fibre.back());
    status.push_back(0);
    petal.push_back(spectrograph);
    type.emplace_back(target.kind == ObjectKind::kSky ? "SKY" : "TGT");
    kind.emplace_back(name_of(target.kind));
    ra.push_back(options.ra + 0.002 * (i % 25 - 12));
    dec.push_back(options.dec + 0.002 * (i / 25 - 10));
  }
  return fits::TableBuilder("FIBERMAP")
      .add("TARGETID", std::span<const std::int64_t>(target_id))
      .add("PETAL_LOC", std::span<const std::int32_t>(petal))
      .add("FIBER", std::span<const std::int32_t>(fibre))
      .add("FIBERSTATUS", std::span<const std::int32_t>(status))
      .add("OBJTYPE", std::span<const std::string>(type))
      .add("TARGET_RA", std::span<const double>(ra), {}, "deg")
      .add("TARGET_DEC", std::span<const double>(dec), {}, "deg")
      .add("SIMTYPE", std::span<const std::string>(kind))
      .build();
}

ExtractionFiles names_of(const ExtractionOptions& options) {
  const fs::path folder = options.directory;
  const std::string tail = absl::StrFormat("-%s-%08d.fits", options.camera, options.expid);
  ExtractionFiles files;
  files.image = (folder / ("preproc" + tail + (options.gzip ? ".gz" : ""))).string();
  files.psf = options.psf.empty() ? (folder / ("psf" + tail)).string() : options.psf;
  files.truth = (folder / ("truth" + tail)).string();
  return files;
}

absl::Status make_room(const ExtractionOptions& options, const ExtractionFiles& files) {
  std::error_code failure;
  fs::create_directories(options.directory, failure);
  if (failure) {
    return error({.code = absl::StatusCode::kUnavailable,
                  .reason = "WRITE_FAILED",
                  .field = "directory",
                  .what = "cannot make folder " + options.directory,
                  .why = failure.message()});
  }
  std::vector<std::string> written = {files.image, files.truth};
  if (options.psf.empty()) written.push_back(files.psf);
  for (const std::string& path : written) {
    if (!options.overwrite && fs::exists(path)) {
      return error({.code = absl::StatusCode::kAlreadyExists,
                    .reason = "OUTPUT_EXISTS",
                    .field = "directory",
                    .what = path + " exists",
                    .remedy = "choose another folder, or allow overwriting"});
    }
  }
  return absl::OkStatus();
}

Detector detector_of(const ExtractionOptions& options) {
  return {.seed = options.seed,
          .read_noise = options.read_noise,
          .ivar = options.ivar,
          .cosmics = options.cosmics,
          .cosmics_flagged = options.cosmics_flagged,
          .bad_columns = options.bad_columns,
          .bad_pixels = options.bad_pixels,
          .nan_pixels = options.nan_pixels};
}

}  // namespace

absl::StatusOr<ExtractionFiles> simulate_extraction(const ExtractionOptions& options) {
  UNFOLD_ASSIGN_OR_RETURN(const Grid grid, grid_of(options));
  UNFOLD_ASSIGN_OR_RETURN(const fits::Psf psf, options.psf.empty() ? make_psf(options.camera)
                                                                   : fits::read_psf(options.psf));
  UNFOLD_RETURN_IF_ERROR(check(options, psf));
  ExtractionFiles files = names_of(options);
  UNFOLD_RETURN_IF_ERROR(make_room(options, files));

  const std::vector<double> wavelength = fine_wavelengths(grid, options.oversample);
  const std::vector<double> light = make_light(options, wavelength, grid.step / options.oversample);
  std::vector<double> on_earth = wavelength;
  for (double& w : on_earth) w /= options.heliocentric_factor;
  const Scene scene = project(psf, options.first_fibre, on_earth, light);
  fits::Preproc image = expose(scene, detector_of(options));
  image.header = make_header(options);
  image.camera = options.camera;
  image.fibermap = make_fibermap(options, psf.nspec);

  if (options.psf.empty()) UNFOLD_RETURN_IF_ERROR(fits::write_psf(files.psf, psf));
  UNFOLD_RETURN_IF_ERROR(fits::write_preproc(files.image, image));
  UNFOLD_RETURN_IF_ERROR(write_truth(files.truth, make_truth(options, grid, light), options.seed));
  files.bins = static_cast<std::int64_t>(options.fibres) * grid.size();
  files.electrons = std::accumulate(scene.electrons.begin(), scene.electrons.end(), 0.0);
  files.masked_pixels =
      std::count_if(image.mask.begin(), image.mask.end(), [](int bits) { return bits != 0; });
  return files;
}

}  // namespace unfold::simulate
