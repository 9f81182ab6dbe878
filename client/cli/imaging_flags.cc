#include "client/cli/imaging_flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>

#include "client/cli/flag_types.h"
#include "client/cli/spec_flags.h"

namespace unfold::cli {
namespace {

using Spec = v1::ImagingSpec;

template <class Value>
void binning(CLI::App& command, Spec& spec, const std::string& names,
             void (v1::EventBinning::*set)(Value), const std::string& help) {
  command
      .add_option_function<Value>(
          names, [&spec, set](const Value& value) { (spec.mutable_binning()->*set)(value); }, help)
      ->group("Raw events");
}

void add_algorithm(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Algorithm";
  choice_flag<v1::ImagingAlgorithm>(
      command, spec, "-a,--algorithm", &Spec::set_algorithm,
      {{"osem", v1::IMAGING_ALGORITHM_OSEM},
       {"map", v1::IMAGING_ALGORITHM_MAP},
       {"em", v1::IMAGING_ALGORITHM_EM},
       {"em-newton", v1::IMAGING_ALGORITHM_EM_NEWTON},
       {"dc1", v1::IMAGING_ALGORITHM_DC1},
       {"dc1-feedback", v1::IMAGING_ALGORITHM_DC1_FEEDBACK},
       {"cosipy-rl", v1::IMAGING_ALGORITHM_COSIPY_RL}},
      "osem, map, em, em-newton, dc1, dc1-feedback or cosipy-rl [osem]", kGroup);
  number_flag<std::int32_t>(command, spec, "-n,--iterations", &Spec::set_iterations,
                            "At most so many [50 for osem and map, else 150]", kGroup);
  number_flag<std::int32_t>(command, spec, "--subsets", &Spec::set_subsets,
                            "osem, map: ordered subsets of the time bins [16]", kGroup);
  number_flag<double>(command, spec, "--initial-flux", &Spec::set_initial_flux,
                      "Of the first, flat map over the sky, cm-2 s-1 [0.01]", kGroup);
  number_flag<double>(command, spec, "--background-prior", &Spec::set_background_prior,
                      "dc1 loops: guess and prior of the background amplitude [0.9]", kGroup);
  number_flag<double>(command, spec, "--dc1-scale", &Spec::set_dc1_scale,
                      "dc1 loops: resolution of the step length [1000]", kGroup);
  number_flag<double>(command, spec, "--smooth", &Spec::set_smooth,
                      "Smooth each update with a Gaussian of so many degrees FWHM [0]", kGroup);
  number_flag<double>(command, spec, "--max-step", &Spec::set_max_step,
                      "cosipy-rl: largest acceleration [1: none]", kGroup);
  number_flag<double>(command, spec, "--weight-power", &Spec::set_weight_power,
                      "cosipy-rl: updates are weighted by (exposure / maximum)^POWER [0.5]",
                      kGroup);
  choice_flag<v1::ResponseStorage>(
      command, spec, "--storage", &Spec::set_storage,
      {{"fp64", v1::RESPONSE_STORAGE_FP64},
       {"fp32", v1::RESPONSE_STORAGE_FP32},
       {"fp16", v1::RESPONSE_STORAGE_FP16},
       {"integer", v1::RESPONSE_STORAGE_INTEGER}},
      "How the response is kept in memory: fp64, fp32, fp16 or integer "
      "[fp32 for osem and map, else fp64]",
      kGroup);
}

void add_lists(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Algorithm";
  repeated_flag(
      command, "--background", "NAME",
      [&spec](const std::string& name) { spec.add_background(name); },
      "A background component of the data; may be repeated [the data's own default]", kGroup);
  text_flag(
      command, "--prior", "KIND:WEIGHT",
      [&spec](const std::string& text) { prior_flag(text, "--prior", spec); },
      "gamma:K, tsv:WEIGHT, entropy:WEIGHT or none [gamma:0.9 for map, else none]", kGroup);
  command
      .add_option_function<std::string>(
          "--save-iterations",
          [&spec](const std::string& text) {
            for (const std::int32_t at : integers_flag(text, "--save-iterations")) {
              spec.add_save_iterations(at);
            }
          },
          "Keep the maps after so many updates, as 1,2,5,10")
      ->type_name("N,N,...")
      ->group(kGroup);
}

void add_stop(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Stopping";
  choice_flag<v1::ImagingStop>(
      command, spec, "--stop", &Spec::set_stop,
      {{"iterations", v1::IMAGING_STOP_ITERATIONS},
       {"likelihood", v1::IMAGING_STOP_LIKELIHOOD},
       {"thinning", v1::IMAGING_STOP_THINNING}},
      "iterations: all of them; likelihood: when it rises by less than "
      "--stop-threshold; thinning: at the best validation likelihood of counts "
      "held back [thinning for osem and map, likelihood for em and em-newton, "
      "else iterations]",
      kGroup);
  number_flag<double>(command, spec, "--stop-threshold", &Spec::set_stop_threshold,
                      "Smallest rise of the log-likelihood [0.01]", kGroup);
  number_flag<double>(command, spec, "--thinning-fraction", &Spec::set_thinning_fraction,
                      "Share of the counts that is fitted, not held back [0.5]", kGroup);
  number_flag<std::uint64_t>(command, spec, "--thinning-seed", &Spec::set_thinning_seed,
                             "Of the draw of those [1]", kGroup)
      ->check(CLI::NonNegativeNumber);
}

void add_errors(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Errors and fluxes";
  number_flag<std::int32_t>(command, spec, "--bootstrap", &Spec::set_bootstrap,
                            "em, osem, map: statistical errors from so many replicates [0]",
                            kGroup);
  choice_flag<v1::BootstrapStop>(
      command, spec, "--bootstrap-stop", &Spec::set_bootstrap_stop,
      {{"refit", v1::BOOTSTRAP_STOP_REFIT}, {"fixed", v1::BOOTSTRAP_STOP_FIXED}},
      "refit: each replicate repeats the stop rule; fixed: as many iterations as the data [refit]",
      kGroup);
  number_flag<std::uint64_t>(command, spec, "--bootstrap-seed", &Spec::set_bootstrap_seed,
                             "Of the replicates [2]", kGroup)
      ->check(CLI::NonNegativeNumber);
  repeated_flag(
      command, "--region", "NAME:L,B,RADIUS",
      [&spec](const std::string& text) { *spec.add_regions() = region_flag(text, "--region"); },
      "Report the flux within RADIUS degrees of galactic (L, B); may be repeated", kGroup);
}

void add_binning(CLI::App& command, Spec& spec) {
  command
      .add_option_function<std::string>(
          "-e,--energy",
          [&spec](const std::string& text) {
            const auto [least, most] = range_flag(text, "--energy");
            spec.mutable_binning()->set_energy_min(least);
            spec.mutable_binning()->set_energy_max(most);
          },
          "Window in keV [501,521]")
      ->type_name("MIN,MAX")
      ->group("Raw events");
  binning<double>(command, spec, "--time-step", &v1::EventBinning::set_time_step,
                  "Length of a time bin, s [1800]");
  binning<double>(command, spec, "--pointing-step", &v1::EventBinning::set_pointing_step,
                  "A new pointing when an axis moved so many degrees [5]");
  binning<double>(command, spec, "--zenith-cut", &v1::EventBinning::set_zenith_cut,
                  "Field of view, degrees from the zenith [90]");
  binning<double>(command, spec, "--pixel", &v1::EventBinning::set_pixel,
                  "Size of a sky pixel, degrees [6]");
  const auto flag = [&](const char* name, void (v1::EventBinning::*set)(bool), const char* help) {
    command
        .add_flag_function(
            name, [&spec, set](std::int64_t) { (spec.mutable_binning()->*set)(true); }, help)
        ->group("Raw events");
  };
  flag("--bilinear", &v1::EventBinning::set_bilinear,
       "Interpolate between instrument directions [the nearest]");
  flag("--ignore-livetime", &v1::EventBinning::set_ignore_livetime,
       "Take elapsed for live time, as DC1 did");
  flag("--ignore-earth", &v1::EventBinning::set_ignore_earth,
       "Do not leave out what the Earth hides");
  command
      .add_option_function<std::string>(
          "--group-starts",
          [&spec](const std::string& text) {
            for (const std::int32_t at : integers_flag(text, "--group-starts")) {
              spec.mutable_binning()->add_group_starts(at);
            }
          },
          "Time bins that begin a background group, as 0,100,200")
      ->type_name("N,N,...")
      ->group("Raw events");
}

void add_checkpoints(CLI::App& command, Spec& spec) {
  constexpr char kGroup[] = "Checkpoints";
  command
      .add_option_function<std::string>(
          "--checkpoint-every",
          [&spec](const std::string& text) {
            *spec.mutable_checkpoint_every() = duration_flag(text, "--checkpoint-every");
          },
          "Longest work that a dead worker costs [30s]")
      ->type_name("TIME")
      ->group(kGroup);
  number_flag<std::int32_t>(command, spec, "--checkpoint-iterations",
                            &Spec::set_checkpoint_iterations,
                            "Likewise, in iterations [0: by time only]", kGroup);
}

}  // namespace

void add_imaging_files(CLI::App& command, ImagingFlags& flags) {
  Spec& spec = flags.spec;
  file_flag(command, spec.mutable_data(), "-d,--data",
            "Binned counts (HDF5 of unfold or histpy), or .tra.gz events");
  file_flag(command, spec.mutable_response(), "-r,--response",
            "Response: HDF5, or ResponseGrid .npz [inside the data]");
  file_flag(command, spec.mutable_output(), "-o,--output", "Map to write (HDF5)");
  file_flag(command, spec.mutable_background_file(), "--background-file",
            "Background templates: .npz or HDF5 [inside the data]");
  file_flag(command, spec.mutable_attitude(), "--attitude", "Attitude of raw events: .ori");
  file_flag(command, spec.mutable_fits(), "--fits", "FITS map to write as well");
  file_flag(command, spec.mutable_png(), "--png", "Picture to write as well");
}

void add_imaging_binning(CLI::App& command, ImagingFlags& flags) {
  add_binning(command, flags.spec);
}

void add_imaging_options(CLI::App& command, ImagingFlags& flags) {
  Spec& spec = flags.spec;
  add_algorithm(command, spec);
  add_lists(command, spec);
  add_stop(command, spec);
  add_errors(command, spec);
  add_binning(command, spec);
  add_checkpoints(command, spec);
}

}  // namespace unfold::cli
