#include "client/cli/extraction_flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "client/cli/flag_types.h"
#include "client/cli/paths.h"

namespace unfold::cli {
namespace {

using Spec = v1::ExtractionSpec;

template <class Value>
CLI::Option* number(CLI::App& command, Spec& spec, const std::string& names,
                    void (Spec::*set)(Value), const std::string& help) {
  return command
      .add_option_function<Value>(
          names, [&spec, set](const Value& value) { (spec.*set)(value); }, help)
      ->group("Extraction");
}

void file(CLI::App& command, std::string* target, const std::string& names,
          const std::string& help) {
  command
      .add_option_function<std::string>(
          names, [target](const std::string& typed) { *target = server_path(typed); }, help)
      ->type_name("FILE")
      ->group("Files");
}

void add_patching(CLI::App& command, Spec& spec) {
  number(command, spec, "-s,--specmin", &Spec::set_specmin, "First fibre [0]");
  number(command, spec, "-n,--nspec", &Spec::set_nspec, "Number of fibres [500]");
  number(command, spec, "--bundlesize", &Spec::set_bundlesize, "Fibres in a bundle [25]");
  number(command, spec, "--nsubbundles", &Spec::set_nsubbundles, "Parts of a bundle [5]");
  number(command, spec, "--nwavestep", &Spec::set_nwavestep, "Wavelength bins in a patch [50]");
  number(command, spec, "--wavepad", &Spec::set_wavepad, "Bins extracted beyond a patch [10]");
  number(command, spec, "--wavepad-frac", &Spec::set_wavepad_frac,
         "Padding of the range, as a fraction of a PSF stamp [0.2]");
  number(command, spec, "--pixpad-frac", &Spec::set_pixpad_frac,
         "Pixel padding of a patch, as a fraction of a PSF stamp [0.8]");
  number(command, spec, "-r,--regularize", &Spec::set_regularize, "Regularisation [0]");
  number(command, spec, "--psferr", &Spec::set_psferr,
         "Fractional error of the PSF model in chi2 [the PSF's PSFERR, else 0.01]");
  number(command, spec, "--mask-bits", &Spec::set_mask_bits,
         "Bits of MASK that take a pixel's weight away [767]");
}

void add_choices(CLI::App& command, Spec& spec) {
  command
      .add_option_function<std::string>(
          "--decorrelate",
          [&spec](const std::string& name) {
            spec.set_decorrelate(name == "noise" ? v1::DECORRELATION_NOISE
                                                 : v1::DECORRELATION_SIGNAL);
          },
          "signal: between fibres; noise: all bins of a patch together [signal]")
      ->check(CLI::IsMember({"signal", "noise"}))
      ->type_name("WHAT")
      ->group("Extraction");
  command
      .add_flag_function(
          "--decorrelate-fibers",
          [&spec](std::int64_t) { spec.set_decorrelate(v1::DECORRELATION_NOISE); },
          "The same as --decorrelate noise")
      ->group("Extraction");
  command
      .add_option_function<std::string>(
          "--mode",
          [&spec](const std::string& name) {
            spec.set_mode(name == "strips" ? v1::EXTRACTION_MODE_STRIPS
                                           : v1::EXTRACTION_MODE_PATCHES);
          },
          "patches: as gpu_specter; strips: no seams in wavelength [patches]")
      ->check(CLI::IsMember({"patches", "strips"}))
      ->type_name("MODE")
      ->group("Extraction");
  command
      .add_option_function<std::string>(
          "--psf-tails",
          [&spec](const std::string& name) {
            spec.set_psf_tails(name == "off" ? v1::PSF_TAILS_OFF : v1::PSF_TAILS_AUTO);
          },
          "auto: used where the PSF file has them; off: as gpu_specter [auto]")
      ->check(CLI::IsMember({"auto", "off"}))
      ->type_name("TAILS")
      ->group("Extraction");
}

}  // namespace

void add_extraction_files(CLI::App& command, ExtractionFlags& flags) {
  Spec& spec = flags.spec;
  file(command, spec.mutable_image(), "-i,--image,--input", "Preprocessed CCD image (FITS, .gz)");
  file(command, spec.mutable_psf(), "-p,--psf", "PSF (FITS)");
  file(command, spec.mutable_output(), "-o,--output", "Frame to write; compressed if it ends .gz");
  file(command, spec.mutable_fibermap(), "-f,--fibermap", "Fibermap [the image's own]");
  file(command, spec.mutable_model(), "-m,--model", "Model image to write as well");
}

void add_extraction_options(CLI::App& command, ExtractionFlags& flags) {
  Spec& spec = flags.spec;
  command
      .add_option_function<std::string>(
          "-w,--wavelength",
          [&spec](const std::string& text) {
            *spec.mutable_wavelength() = wavelength_flag(text, "--wavelength");
          },
          "Grid in vacuum Angstrom: wmin,wmax,step [the PSF's range, 0.8]")
      ->type_name("W,W,DW")
      ->group("Extraction");
  add_patching(command, spec);
  add_choices(command, spec);
  command
      .add_flag_function(
          "--barycentric-correction,--heliocentric-correction",
          [&spec](std::int64_t) { spec.set_barycentric_correction(true); },
          "Correct wavelengths to the barycentre of the solar system")
      ->group("Extraction");
  command
      .add_flag_function(
          "--no-scores", [&spec](std::int64_t) { spec.set_no_scores(true); },
          "Leave the SCORES table out")
      ->group("Extraction");
}

void add_ignored_flags(CLI::App& command, ExtractionFlags& flags) {
  for (const char* names : {"--mpi", "--no-gpu", "--use-specter", "-v,--verbose"}) {
    const std::string shown = names[1] == 'v' ? "-v" : names;
    command
        .add_flag_function(
            names,
            [&flags, shown](std::int64_t) {
              flags.ignored += (flags.ignored.empty() ? "" : ", ") + shown;
            },
            "Accepted with a warning")
        ->group("Of desi_extract_spectra, without effect");
  }
}

}  // namespace unfold::cli
