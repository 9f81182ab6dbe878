#include "common/plan/imaging_options.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status_macros.h"
#include "common/plan/imaging_checks.h"
#include "common/plan/ranges.h"
#include "common/plan/refuse.h"

namespace unfold::plan {
namespace {

constexpr int kMostIterations = 100'000;
constexpr int kMostReplicates = 10'000;

// "IMAGING_ALGORITHM_DC1_FEEDBACK" -> "dc1-feedback"
std::string word(const std::string& name, std::size_t prefix) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name.substr(prefix)), {{"_", "-"}});
}

bool is_dc1(v1::ImagingAlgorithm algorithm) {
  return algorithm == v1::IMAGING_ALGORITHM_DC1 || algorithm == v1::IMAGING_ALGORITHM_DC1_FEEDBACK;
}

/// Stops near the best image in half the sweeps of 8 (docs/numerics.md).
constexpr std::int32_t kSubsets = 16;

bool has_subsets(v1::ImagingAlgorithm algorithm) {
  return algorithm == v1::IMAGING_ALGORITHM_OSEM || algorithm == v1::IMAGING_ALGORITHM_MAP;
}
bool takes_prior(v1::ImagingAlgorithm algorithm) {
  return has_subsets(algorithm) || algorithm == v1::IMAGING_ALGORITHM_EM;
}

v1::ImagingStop default_stop(v1::ImagingAlgorithm algorithm) {
  switch (algorithm) {
    case v1::IMAGING_ALGORITHM_OSEM:
    case v1::IMAGING_ALGORITHM_MAP:
      return v1::IMAGING_STOP_THINNING;
    case v1::IMAGING_ALGORITHM_EM:
    case v1::IMAGING_ALGORITHM_EM_NEWTON:
      return v1::IMAGING_STOP_LIKELIHOOD;
    default:
      return v1::IMAGING_STOP_ITERATIONS;
  }
}

absl::Status check_choices(const v1::ImagingSpec& spec) {
  UNFOLD_RETURN_IF_ERROR(check_known(imaging_field("algorithm"), spec.algorithm(),
                                     v1::ImagingAlgorithm_IsValid(spec.algorithm())));
  UNFOLD_RETURN_IF_ERROR(check_known(imaging_field("storage"), spec.storage(),
                                     v1::ResponseStorage_IsValid(spec.storage())));
  UNFOLD_RETURN_IF_ERROR(
      check_known(imaging_field("stop"), spec.stop(), v1::ImagingStop_IsValid(spec.stop())));
  UNFOLD_RETURN_IF_ERROR(
      check_known(imaging_field("prior"), spec.prior(), v1::ImagePrior_IsValid(spec.prior())));
  return check_known(imaging_field("bootstrap_stop"), spec.bootstrap_stop(),
                     v1::BootstrapStop_IsValid(spec.bootstrap_stop()));
}

void choose(v1::ImagingSpec& spec) {
  if (spec.algorithm() == v1::IMAGING_ALGORITHM_UNSPECIFIED) {
    spec.set_algorithm(v1::IMAGING_ALGORITHM_OSEM);
  }
  const bool quick = has_subsets(spec.algorithm());
  if (spec.storage() == v1::RESPONSE_STORAGE_UNSPECIFIED) {
    spec.set_storage(quick ? v1::RESPONSE_STORAGE_FP32 : v1::RESPONSE_STORAGE_FP64);
  }
  if (spec.stop() == v1::IMAGING_STOP_UNSPECIFIED) spec.set_stop(default_stop(spec.algorithm()));
  if (!spec.has_iterations()) spec.set_iterations(quick ? 50 : 150);
  if (!spec.has_initial_flux()) spec.set_initial_flux(0.01);
  if (!spec.has_smooth()) spec.set_smooth(0);
  if (!spec.has_checkpoint_every()) spec.mutable_checkpoint_every()->set_seconds(30);
}

/// Options that only some algorithms use: completed for those, taken out for the others.
class Used {
 public:
  Used(v1::ImagingSpec& spec, std::vector<std::string>& warnings)
      : spec_(spec), warnings_(warnings) {}

  template <class Value>
  void option(bool used, const char* flag, const char* by, bool given, Value fallback,
              void (v1::ImagingSpec::*set)(Value), void (v1::ImagingSpec::*clear)()) {
    if (used && !given) (spec_.*set)(fallback);
    if (used || !given) return;
    (spec_.*clear)();
    warnings_.push_back(absl::StrCat(flag, " has no effect here: it is used by ", by));
  }

 private:
  v1::ImagingSpec& spec_;
  std::vector<std::string>& warnings_;
};

void complete_for_algorithm(v1::ImagingSpec& spec, std::vector<std::string>& warnings) {
  using Spec = v1::ImagingSpec;
  Used used(spec, warnings);
  const bool dc1 = is_dc1(spec.algorithm());
  const bool cosipy = spec.algorithm() == v1::IMAGING_ALGORITHM_COSIPY_RL;
  const bool likelihood = spec.stop() == v1::IMAGING_STOP_LIKELIHOOD;
  const bool thinning = spec.stop() == v1::IMAGING_STOP_THINNING;
  used.option<double>(dc1, "background_prior", "dc1 and dc1-feedback", spec.has_background_prior(),
                      0.9, &Spec::set_background_prior, &Spec::clear_background_prior);
  used.option<double>(dc1, "dc1_scale", "dc1 and dc1-feedback", spec.has_dc1_scale(), 1000,
                      &Spec::set_dc1_scale, &Spec::clear_dc1_scale);
  used.option<std::int32_t>(has_subsets(spec.algorithm()), "subsets", "osem and map",
                            spec.has_subsets(), kSubsets, &Spec::set_subsets, &Spec::clear_subsets);
  used.option<double>(cosipy, "max_step", "cosipy-rl", spec.has_max_step(), 1, &Spec::set_max_step,
                      &Spec::clear_max_step);
  used.option<double>(cosipy, "weight_power", "cosipy-rl", spec.has_weight_power(), 0.5,
                      &Spec::set_weight_power, &Spec::clear_weight_power);
  used.option<double>(likelihood, "stop_threshold", "--stop likelihood", spec.has_stop_threshold(),
                      0.01, &Spec::set_stop_threshold, &Spec::clear_stop_threshold);
  used.option<double>(thinning, "thinning_fraction", "--stop thinning",
                      spec.has_thinning_fraction(), 0.5, &Spec::set_thinning_fraction,
                      &Spec::clear_thinning_fraction);
  used.option<std::uint64_t>(thinning, "thinning_seed", "--stop thinning", spec.has_thinning_seed(),
                             1, &Spec::set_thinning_seed, &Spec::clear_thinning_seed);
  used.option<std::uint64_t>(spec.bootstrap() != 0, "bootstrap_seed", "--bootstrap",
                             spec.has_bootstrap_seed(), 2, &Spec::set_bootstrap_seed,
                             &Spec::clear_bootstrap_seed);
}

absl::Status check_prior(v1::ImagingSpec& spec) {
  const bool map = spec.algorithm() == v1::IMAGING_ALGORITHM_MAP;
  if (spec.prior() == v1::IMAGE_PRIOR_UNSPECIFIED) {
    spec.set_prior(map ? v1::IMAGE_PRIOR_GAMMA : v1::IMAGE_PRIOR_NONE);
  }
  const bool none = spec.prior() == v1::IMAGE_PRIOR_NONE;
  if (none && map) {
    return refuse(imaging_field("prior"), "UNSUPPORTED", "the algorithm map needs a prior",
                  "without one it is osem", "use --algorithm osem, or give --prior gamma:0.9");
  }
  if (!none && !takes_prior(spec.algorithm())) {
    return refuse(imaging_field("prior"), "UNSUPPORTED",
                  absl::StrCat("the algorithm ", word_of(spec.algorithm()), " takes no prior"),
                  "its steps are those of the published code", "use --algorithm map");
  }
  if (none) {
    if (!spec.has_prior_weight()) return absl::OkStatus();
    return refuse(imaging_field("prior_weight"), "UNSUPPORTED",
                  "there is a prior_weight but no prior", "", "give --prior KIND:WEIGHT");
  }
  if (spec.prior() == v1::IMAGE_PRIOR_GAMMA) {
    if (!spec.has_prior_weight()) spec.set_prior_weight(0.9);
    return check_positive(imaging_field("prior_weight"), spec.prior_weight(), 100);
  }
  if (!spec.has_prior_weight()) {
    return refuse(imaging_field("prior_weight"), "MISSING_FIELD",
                  absl::StrCat("the ", word_of(spec.prior()), " prior has no weight"),
                  "no weight suits every map", "give --prior KIND:WEIGHT");
  }
  return check_positive(imaging_field("prior_weight"), spec.prior_weight(), 1e30);
}

absl::Status check_method(const imaging_data::Header& data, const v1::ImagingSpec& spec) {
  UNFOLD_RETURN_IF_ERROR(
      check_number(imaging_field("iterations"), spec.iterations(), 1, kMostIterations));
  UNFOLD_RETURN_IF_ERROR(check_positive(imaging_field("initial_flux"), spec.initial_flux(), 1e12));
  UNFOLD_RETURN_IF_ERROR(check_smoothing(data, spec.smooth()));
  if (spec.has_subsets()) {
    UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("subsets"), spec.subsets(), 1,
                                        std::min<double>(1024, static_cast<double>(data.times))));
  }
  if (spec.has_background_prior()) {
    UNFOLD_RETURN_IF_ERROR(
        check_positive(imaging_field("background_prior"), spec.background_prior(), 1e6));
    UNFOLD_RETURN_IF_ERROR(check_number("dc1_scale", spec.dc1_scale(), 1, 1e6));
  }
  if (spec.has_max_step()) {
    UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("max_step"), spec.max_step(), 1, 1e6));
    UNFOLD_RETURN_IF_ERROR(check_number(imaging_field("weight_power"), spec.weight_power(), 0, 10));
  }
  if (spec.has_stop_threshold()) {
    UNFOLD_RETURN_IF_ERROR(
        check_positive(imaging_field("stop_threshold"), spec.stop_threshold(), 1e12));
  }
  if (spec.has_thinning_fraction()) {
    UNFOLD_RETURN_IF_ERROR(
        check_number(imaging_field("thinning_fraction"), spec.thinning_fraction(), 0.05, 0.95));
  }
  if (spec.storage() == v1::RESPONSE_STORAGE_INTEGER && !data.integer_counts) {
    return refuse(
        imaging_field("storage"), "UNSUPPORTED", "the response cannot be kept as integers",
        "the file does not store counts with a scale", "use --storage fp64, fp32 or fp16");
  }
  return absl::OkStatus();
}

absl::Status check_checkpoints(const v1::ImagingSpec& spec) {
  const auto ns = google::protobuf::util::TimeUtil::DurationToNanoseconds(spec.checkpoint_every());
  if (ns <= 0) {
    return out_of_range(imaging_field("checkpoint_every"),
                        absl::StrCat(static_cast<double>(ns) * 1e-9, " s"), "a time above 0");
  }
  return check_number(imaging_field("checkpoint_iterations"), spec.checkpoint_iterations(), 0,
                      kMostIterations);
}

absl::Status check_bootstrap(v1::ImagingSpec& spec, std::vector<std::string>& warnings) {
  if (spec.bootstrap() == 0) {
    if (spec.bootstrap_stop() != v1::BOOTSTRAP_STOP_UNSPECIFIED) {
      warnings.emplace_back("bootstrap_stop has no effect here: it is used by --bootstrap");
    }
    spec.clear_bootstrap_stop();
    return absl::OkStatus();
  }
  UNFOLD_RETURN_IF_ERROR(
      check_number(imaging_field("bootstrap"), spec.bootstrap(), 2, kMostReplicates));
  if (!takes_prior(spec.algorithm())) {
    return refuse(imaging_field("bootstrap"), "UNSUPPORTED",
                  absl::StrCat("no bootstrap with the algorithm ", word_of(spec.algorithm())),
                  "em, osem and map have it", "use one of these, or leave --bootstrap out");
  }
  if (spec.bootstrap_stop() == v1::BOOTSTRAP_STOP_UNSPECIFIED) {
    spec.set_bootstrap_stop(v1::BOOTSTRAP_STOP_REFIT);
  }
  return absl::OkStatus();
}

}  // namespace

std::string word_of(v1::ImagingAlgorithm algorithm) {
  return word(v1::ImagingAlgorithm_Name(algorithm), std::size("IMAGING_ALGORITHM_") - 1);
}
std::string word_of(v1::ResponseStorage storage) {
  return word(v1::ResponseStorage_Name(storage), std::size("RESPONSE_STORAGE_") - 1);
}
std::string word_of(v1::ImagingStop stop) {
  return word(v1::ImagingStop_Name(stop), std::size("IMAGING_STOP_") - 1);
}
std::string word_of(v1::ImagePrior prior) {
  return word(v1::ImagePrior_Name(prior), std::size("IMAGE_PRIOR_") - 1);
}

absl::Status complete_imaging(const imaging_data::Header& data, v1::ImagingSpec& spec,
                              std::vector<std::string>& warnings) {
  UNFOLD_RETURN_IF_ERROR(check_choices(spec));
  choose(spec);
  if (has_subsets(spec.algorithm()) && !spec.has_subsets()) {
    spec.set_subsets(static_cast<std::int32_t>(std::min<std::int64_t>(kSubsets, data.times)));
  }
  complete_for_algorithm(spec, warnings);
  UNFOLD_RETURN_IF_ERROR(check_prior(spec));
  UNFOLD_RETURN_IF_ERROR(check_method(data, spec));
  UNFOLD_RETURN_IF_ERROR(check_checkpoints(spec));
  UNFOLD_RETURN_IF_ERROR(check_bootstrap(spec, warnings));
  UNFOLD_RETURN_IF_ERROR(check_saved(spec));
  UNFOLD_RETURN_IF_ERROR(choose_background(data, is_dc1(spec.algorithm()), spec, warnings));
  UNFOLD_RETURN_IF_ERROR(check_regions(data, spec));
  const bool stops_late = spec.algorithm() == v1::IMAGING_ALGORITHM_EM &&
                          spec.stop() == v1::IMAGING_STOP_THINNING &&
                          spec.prior() == v1::IMAGE_PRIOR_NONE;
  if (stops_late) warnings.emplace_back("em without a prior: the thinning rule stops late");
  return absl::OkStatus();
}

}  // namespace unfold::plan
