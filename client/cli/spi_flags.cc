#include "client/cli/spi_flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "client/cli/flag_types.h"
#include "client/cli/paths.h"
#include "client/cli/spec_flags.h"

namespace unfold::cli {
namespace {

using Spec = v1::SpiSpec;

void add_reconstruction(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Reconstruction";
  number_flag<double>(command, spec, "-D,--diameter", &Spec::set_diameter,
                      "Largest extent of the particle, Angstrom [from the patterns' speckles]",
                      kGroup);
  number_flag<std::int32_t>(command, spec, "-M,--grid", &Spec::set_grid,
                            "Voxels along an edge, odd; each 1 / (2 qmax) wide [from the detector "
                            "and the diameter]",
                            kGroup);
  choice_flag<v1::SpiMetric>(command, spec, "--metric", &Spec::set_metric,
                             {{"poisson", v1::SPI_METRIC_POISSON},
                              {"sqrt", v1::SPI_METRIC_SQRT},
                              {"euclid", v1::SPI_METRIC_EUCLID}},
                             "How patterns are matched: poisson, sqrt (its twin for bright "
                             "patterns) or euclid (SpiniFEL's, for comparison) [poisson]",
                             kGroup);
  number_flag<std::uint64_t>(command, spec, "--seed", &Spec::set_seed, "Of the random start [1]",
                             kGroup)
      ->check(CLI::NonNegativeNumber);
  number_flag<std::int32_t>(command, spec, "-n,--max-generations", &Spec::set_max_generations,
                            "At most so many in each part [60]", kGroup);
  number_flag<std::int32_t>(command, spec, "-C,--conformations", &Spec::set_conformations,
                            "Densities to tell apart [1]", kGroup);
  text_flag(
      command, "--background", "FILE|fit",
      [&spec](const std::string& text) {
        if (text == "fit") {
          spec.set_background(true);
        } else {
          spec.set_background_file(server_path(text));
        }
      },
      "Photons of the background: a file (HDF5 /background), or fit: one common to all patterns",
      kGroup);
  number_flag<std::int32_t>(command, spec, "--phasing-starts", &Spec::set_phasing_starts,
                            "Random starts of the final phasing, for its transfer function [16]",
                            kGroup);
  switch_flag(command, spec, "--no-halves", &Spec::set_no_halves,
              "Skip the two independent halves: a third of the time, and no honest resolution",
              kGroup);
  command
      .add_flag_function(
          "--no-scaling", [&spec](std::int64_t) { spec.set_scaling(false); },
          "Take every pattern for as bright as the others")
      ->group(kGroup);
}

void add_annealing(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Orientation search";
  number_flag<std::int32_t>(command, spec, "--coarse-references", &Spec::set_coarse_references,
                            "Rotations of the first generations [from resolution and diameter]",
                            kGroup);
  number_flag<double>(command, spec, "--beta", &Spec::set_beta,
                      "Softness of assignment at the start, 0 to 1 [by photons a pattern]", kGroup);
  number_flag<double>(command, spec, "--beta-factor", &Spec::set_beta_factor,
                      "It hardens by this factor [1.3]", kGroup);
  number_flag<std::int32_t>(command, spec, "--beta-period", &Spec::set_beta_period,
                            "every so many generations [2]", kGroup);
}

void add_patterns(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Patterns";
  const auto reduction = [&](const char* name, void (v1::PatternReduction::*set)(std::int32_t),
                             const char* help) {
    command
        .add_option_function<std::int32_t>(
            name, [&spec, set](std::int32_t value) { (spec.mutable_reduction()->*set)(value); },
            help)
        ->type_name("N")
        ->group(kGroup);
  };
  reduction("--clip", &v1::PatternReduction::set_clip,
            "Keep the central 1/2^N of each panel's rows and columns [0]");
  reduction("--bin", &v1::PatternReduction::set_bin, "Sum 2^N x 2^N pixels [0]");
  const auto frames = [&](const char* name, void (Spec::*add)(std::int64_t), const char* help) {
    text_flag(
        command, name, "A-B,C,...",
        [&spec, add, name](const std::string& text) {
          for (const std::int64_t frame : frames_flag(text, name)) (spec.*add)(frame);
        },
        help, kGroup);
  };
  frames("--selection", &Spec::add_selection, "Patterns to use, as 0-999,1500 [all]");
  frames("--blacklist", &Spec::add_blacklist, "Patterns to leave out, as 17,20-29");
}

void add_checkpoints(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Checkpoints";
  text_flag(
      command, "--checkpoint-every", "TIME",
      [&spec](const std::string& text) {
        *spec.mutable_checkpoint_every() = duration_flag(text, "--checkpoint-every");
      },
      "Longest work that a dead worker costs [30s]", kGroup);
  number_flag<std::int32_t>(command, spec, "--checkpoint-generations",
                            &Spec::set_checkpoint_generations,
                            "Likewise, in generations [0: by time only]", kGroup);
}

}  // namespace

void add_spi_files(CLI::App& command, SpiFlags& flags) {
  Spec& spec = flags.spec;
  repeated_flag(
      command, "-d,--data", "FILE",
      [&spec](const std::string& typed) { spec.add_data(server_path(typed)); },
      "Patterns: cspi or CXI HDF5, or Dragonfly's .emc; may be repeated", "Files");
  file_flag(command, spec.mutable_output(), "-o,--output", "Density to write (HDF5)");
  file_flag(command, spec.mutable_detector(), "--detector,--geom",
            "Where pixels lie: Dragonfly's detector file or CrystFEL's .geom [inside the data]");
  file_flag(command, spec.mutable_config(), "-c,--config",
            "Dragonfly's config.ini: data, detector and options; flags given here go before it");
  file_flag(command, spec.mutable_mrc(), "--mrc", "Density to write as MRC as well");
  file_flag(command, spec.mutable_png(), "--png",
            "Picture to write as well; with --dry-run: of the patterns, here and now");
  file_flag(command, spec.mutable_dragonfly_output(), "--dragonfly-output",
            "Folder for what Dragonfly's viewer opens: output_NNN.h5 and EMC.log");
  file_flag(command, spec.mutable_reference(), "--reference",
            "Known structure (PDB or MRC) to compare the finished density with");
}

void add_spi_options(CLI::App& command, SpiFlags& flags) {
  Spec& spec = flags.spec;
  add_reconstruction(command, spec);
  add_annealing(command, spec);
  add_patterns(command, spec);
  add_checkpoints(command, spec);
}

}  // namespace unfold::cli
