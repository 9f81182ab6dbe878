#include "client/cli/extraction_flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "client/cli/flag_types.h"
#include "client/cli/spec_flags.h"

namespace unfold::cli {
namespace {

using Spec = v1::ExtractionSpec;

constexpr char kGroup[] = "Extraction";

void add_patching(CLI::App& command, Spec& spec) {
  number_flag(command, spec, "-s,--specmin", &Spec::set_specmin, "First fibre [0]", kGroup);
  number_flag(command, spec, "-n,--nspec", &Spec::set_nspec, "Number of fibres [500]", kGroup);
  number_flag(command, spec, "--bundlesize", &Spec::set_bundlesize, "Fibres in a bundle [25]",
              kGroup);
  number_flag(command, spec, "--nsubbundles", &Spec::set_nsubbundles, "Parts of a bundle [5]",
              kGroup);
  number_flag(command, spec, "--nwavestep", &Spec::set_nwavestep, "Wavelength bins in a patch [50]",
              kGroup);
  number_flag(command, spec, "--wavepad", &Spec::set_wavepad, "Bins extracted beyond a patch [10]",
              kGroup);
  number_flag(command, spec, "--wavepad-frac", &Spec::set_wavepad_frac,
              "Padding of the range, as a fraction of a PSF stamp [0.2]", kGroup);
  number_flag(command, spec, "--pixpad-frac", &Spec::set_pixpad_frac,
              "Pixel padding of a patch, as a fraction of a PSF stamp [0.8]", kGroup);
  number_flag(command, spec, "-r,--regularize", &Spec::set_regularize, "Regularisation [0]",
              kGroup);
  number_flag(command, spec, "--psferr", &Spec::set_psferr,
              "Fractional error of the PSF model in chi2 [the PSF's PSFERR, else 0.01]", kGroup);
  number_flag(command, spec, "--mask-bits", &Spec::set_mask_bits,
              "Bits of MASK that take a pixel's weight away [767]", kGroup);
}

void add_choices(CLI::App& command, Spec& spec) {
  choice_flag<v1::Decorrelation>(
      command, spec, "--decorrelate", &Spec::set_decorrelate,
      {{"signal", v1::DECORRELATION_SIGNAL}, {"noise", v1::DECORRELATION_NOISE}},
      "signal: between fibres; noise: all bins of a patch together [signal]", kGroup)
      ->type_name("WHAT");
  command
      .add_flag_function(
          "--decorrelate-fibers",
          [&spec](std::int64_t) { spec.set_decorrelate(v1::DECORRELATION_NOISE); },
          "The same as --decorrelate noise")
      ->group(kGroup);
  choice_flag<v1::ExtractionMode>(
      command, spec, "--mode", &Spec::set_mode,
      {{"patches", v1::EXTRACTION_MODE_PATCHES}, {"strips", v1::EXTRACTION_MODE_STRIPS}},
      "patches: as gpu_specter; strips: no seams in wavelength [patches]", kGroup)
      ->type_name("MODE");
  choice_flag<v1::PsfTails>(command, spec, "--psf-tails", &Spec::set_psf_tails,
                            {{"auto", v1::PSF_TAILS_AUTO}, {"off", v1::PSF_TAILS_OFF}},
                            "auto: used where the PSF file has them; off: as gpu_specter [auto]",
                            kGroup)
      ->type_name("TAILS");
}

}  // namespace

void add_extraction_files(CLI::App& command, ExtractionFlags& flags) {
  Spec& spec = flags.spec;
  file_flag(command, spec.mutable_image(), "-i,--image,--input",
            "Preprocessed CCD image (FITS, .gz)");
  file_flag(command, spec.mutable_psf(), "-p,--psf", "PSF (FITS)");
  file_flag(command, spec.mutable_output(), "-o,--output",
            "Frame to write; compressed if it ends .gz");
  file_flag(command, spec.mutable_fibermap(), "-f,--fibermap", "Fibermap [the image's own]");
  file_flag(command, spec.mutable_model(), "-m,--model", "Model image to write as well");
}

void add_extraction_options(CLI::App& command, ExtractionFlags& flags) {
  Spec& spec = flags.spec;
  text_flag(
      command, "-w,--wavelength", "W,W,DW",
      [&spec](const std::string& text) {
        *spec.mutable_wavelength() = wavelength_flag(text, "--wavelength");
      },
      "Grid in vacuum Angstrom: wmin,wmax,step [the PSF's range, 0.8]", kGroup);
  add_patching(command, spec);
  add_choices(command, spec);
  switch_flag(command, spec, "--barycentric-correction,--heliocentric-correction",
              &Spec::set_barycentric_correction,
              "Correct wavelengths to the barycentre of the solar system", kGroup);
  switch_flag(command, spec, "--no-scores", &Spec::set_no_scores, "Leave the SCORES table out",
              kGroup);
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
