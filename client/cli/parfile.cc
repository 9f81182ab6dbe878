#include "client/cli/parfile.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace unfold::cli {
namespace {

constexpr std::uintmax_t kMaxBytes = 1 << 20;
constexpr char kIntensity[] = "cm-2 s-1 sr-1";

// What the file says, thrown through yaml-cpp's own exceptions and caught in apply_parfile().
struct Refused {
  std::string reason;
  std::string key;
  std::string why;
  std::string remedy;
};

[[noreturn]] void bad_value(const std::string& key, std::string why, std::string remedy) {
  throw Refused{"BAD_PARAMETER", key, std::move(why), std::move(remedy)};
}

// A mapping of the file, all of whose keys are known.
class Section {
 public:
  Section(const YAML::Node& node, std::string where, std::initializer_list<std::string_view> known)
      : node_(node), path_(std::move(where)) {
    if (!node.IsDefined() || node.IsNull()) return;
    if (!node.IsMap()) bad_value(path_, "it is no section of keys", "indent its keys below it");
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        throw Refused{"UNKNOWN_PARAMETER", path(key), "unfold does not know it",
                      "remove the key, or use a flag of `unfold submit imaging`"};
      }
    }
  }
  bool has(const std::string& key) const {
    return node_.IsDefined() && node_.IsMap() && node_[key].IsDefined() && !node_[key].IsNull();
  }
  Section sub(const std::string& key, std::initializer_list<std::string_view> known) const {
    return {has(key) ? node_[key] : YAML::Node(YAML::NodeType::Null), path(key), known};
  }
  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  std::string text(const std::string& key) const { return scalar<std::string>(key, "text"); }
  bool flag(const std::string& key) const { return has(key) && scalar<bool>(key, "True or False"); }
  double number(const std::string& key) const {
    const double value = scalar<double>(key, "a number");
    if (std::isnan(value)) bad_value(path(key), "it is no number", "correct it");
    return value;
  }
  double positive(const std::string& key) const {
    const double value = number(key);
    if (!(value > 0)) bad_value(path(key), "it must be above 0", "correct it");
    return value;
  }
  std::vector<double> numbers(const std::string& key) const {
    return scalar<std::vector<double>>(key, "a list of numbers");
  }
  /// Where the key is there, its value must be one of these.
  void require(const std::string& key, std::initializer_list<std::string_view> values) const {
    if (!has(key)) return;
    const std::string given = text(key);
    if (std::find(values.begin(), values.end(), given) != values.end()) return;
    bad_value(path(key), absl::StrCat("\"", given, "\" is not ", std::string(*values.begin())),
              "use that");
  }

 private:
  template <class Value>
  Value scalar(const std::string& key, const char* kind) const {
    try {
      return node_[key].as<Value>();
    } catch (const YAML::Exception&) {
      bad_value(path(key), absl::StrCat("it is not ", kind), "correct it");
    }
  }
  const YAML::Node node_;
  std::string path_;
};

void apply_model(const Section& model, v1::ImagingSpec& spec) {
  model.require("class", {"AllSkyImage"});
  const Section property =
      model.sub("property", {"coordinate", "nside", "scheme", "energy_edges", "unit"});
  property.require("coordinate", {"galactic"});
  property.require("unit", {kIntensity});
  const Section edges = property.sub("energy_edges", {"value", "unit"});
  edges.require("unit", {"keV"});
  const Section start = model.sub("initialization", {"algorithm", "parameter"});
  start.require("algorithm", {"flat"});
  const Section flat = start.sub("parameter", {"value", "unit"});
  flat.require("unit", {kIntensity});
  if (!flat.has("value")) return;
  const std::vector<double> values = flat.numbers("value");
  const bool same = !values.empty() && values.front() > 0 &&
                    std::all_of(values.begin(), values.end(),
                                [&](double value) { return value == values.front(); });
  if (!same) {
    bad_value(flat.path("value"), "unfold starts with one positive intensity at all energies",
              "give equal values");
  }
  // unfold's start is F / (4 pi) in every pixel.
  spec.set_initial_flux(values.front() * 4 * std::acos(-1.0));
}

// cosipy accelerates and weights only where it is told to.
void apply_updates(const Section& p, v1::ImagingSpec& spec) {
  const Section step = p.sub("acceleration", {"activate", "alpha_max"});
  const Section weight = p.sub("response_weighting", {"activate", "index"});
  if (spec.algorithm() == v1::IMAGING_ALGORITHM_MAP) {
    for (const Section* section : {&step, &weight}) {
      if (!section->flag("activate")) continue;
      bad_value(section->path("activate"), "unfold's map neither weights nor accelerates updates",
                "give False, or use RL");
    }
    return;
  }
  const bool faster = step.flag("activate") && step.has("alpha_max");
  spec.set_max_step(faster ? step.positive("alpha_max") : 1);
  const bool weighted = weight.flag("activate");
  spec.set_weight_power(!weighted ? 0 : weight.has("index") ? weight.number("index") : 0.5);
}

void apply_smoothing(const Section& section, v1::ImagingSpec& spec) {
  const Section width = section.sub("FWHM", {"value", "unit"});
  width.require("unit", {"deg"});
  spec.set_smooth(section.flag("activate") && width.has("value") ? width.positive("value") : 0);
}

void apply_stop(const Section& section, v1::ImagingSpec& spec) {
  section.require("statistics", {"log-likelihood", "log-posterior"});
  spec.set_stop(v1::IMAGING_STOP_LIKELIHOOD);
  spec.set_stop_threshold(section.has("threshold") ? section.positive("threshold") : 1e-2);
}

// cosipy's gamma prior of the background, and theta, are flat in all files it ships.
void require_flat_gamma(const Section& gamma, const Section& model) {
  const Section theta = model.sub("theta", {"value", "unit"});
  if (theta.has("value") && !std::isinf(theta.number("value"))) {
    bad_value(theta.path("value"), "unfold's gamma prior has no scale", "give .inf");
  }
  const Section background = gamma.sub("background", {"theta", "k"});
  const Section k = background.sub("k", {"value"});
  if (k.has("value") && k.number("value") != 1) {
    bad_value(k.path("value"), "unfold has no prior on the background", "give 1.0");
  }
  const Section scale = background.sub("theta", {"value", "unit"});
  if (scale.has("value") && !std::isinf(scale.number("value"))) {
    bad_value(scale.path("value"), "unfold has no prior on the background", "give .inf");
  }
}

void apply_prior(const Section& prior, v1::ImagingSpec& spec) {
  if (prior.has("TSV") && prior.has("gamma")) {
    const Section k = prior.sub("gamma", {"model", "background"})
                          .sub("model", {"theta", "k"})
                          .sub("k", {"value"});
    if (k.has("value") && k.number("value") != 1) {
      bad_value(prior.path("gamma"), "unfold takes one prior at a time", "remove one of the two");
    }
  }
  if (prior.has("gamma")) {
    const Section gamma = prior.sub("gamma", {"model", "background"});
    const Section model = gamma.sub("model", {"theta", "k"});
    require_flat_gamma(gamma, model);
    const Section k = model.sub("k", {"value"});
    spec.set_prior(v1::IMAGE_PRIOR_GAMMA);
    if (k.has("value")) spec.set_prior_weight(k.positive("value"));
  }
  if (prior.has("TSV")) {
    const Section tsv = prior.sub("TSV", {"coefficient"});
    spec.set_prior(v1::IMAGE_PRIOR_TSV);
    if (tsv.has("coefficient")) spec.set_prior_weight(tsv.positive("coefficient"));
  }
}

void apply_background(const Section& section) {
  // Amplitudes are always fitted, in 0 .. 100, as cosipy does where no range is given.
  if (section.has("activate") && !section.flag("activate")) {
    bad_value(section.path("activate"), "unfold always fits the background's amplitude",
              "give True");
  }
}

v1::ImagingAlgorithm algorithm_of(const Section& deconvolution) {
  deconvolution.require("algorithm", {"RL", "RLsimple", "MAP_RL"});
  if (!deconvolution.has("algorithm")) return v1::IMAGING_ALGORITHM_COSIPY_RL;
  return deconvolution.text("algorithm") == "MAP_RL" ? v1::IMAGING_ALGORITHM_MAP
                                                     : v1::IMAGING_ALGORITHM_COSIPY_RL;
}

void apply_deconvolution(const Section& deconvolution, v1::ImagingSpec& spec) {
  spec.set_algorithm(algorithm_of(deconvolution));
  const Section p = deconvolution.sub(
      "parameter",
      {"iteration_max", "minimum_flux", "acceleration", "response_weighting", "smoothing",
       "stopping_criteria", "background_normalization_optimization", "save_results", "prior"});
  if (p.has("iteration_max")) {
    const double iterations = p.positive("iteration_max");
    if (iterations != std::floor(iterations) || iterations > 1e6) {
      bad_value(p.path("iteration_max"), "it is no number of iterations", "correct it");
    }
    spec.set_iterations(static_cast<std::int32_t>(iterations));
  }
  const Section floor = p.sub("minimum_flux", {"value", "unit"});
  floor.require("unit", {kIntensity});
  if (floor.has("value") && floor.number("value") != 0) {
    bad_value(floor.path("value"), "unfold's smallest intensity is 0", "give 0.0");
  }
  apply_updates(p, spec);
  apply_smoothing(p.sub("smoothing", {"activate", "FWHM"}), spec);
  if (p.has("stopping_criteria")) {
    apply_stop(p.sub("stopping_criteria", {"statistics", "threshold"}), spec);
  } else {
    spec.set_stop(v1::IMAGING_STOP_ITERATIONS);
  }
  apply_background(p.sub("background_normalization_optimization", {"activate", "range"}));
  // Where results go is --output's affair.
  (void)p.sub("save_results", {"activate", "directory", "only_final_result"});
  apply_prior(p.sub("prior", {"TSV", "gamma"}), spec);
}

absl::Status refusal(const std::string& path, const Refused& refused) {
  return error({.reason = refused.reason,
                .field = refused.key,
                .what = absl::StrCat("cannot use \"", refused.key, "\" of \"", path, "\""),
                .why = refused.why,
                .remedy = refused.remedy});
}

absl::StatusOr<std::string> read_text(const std::string& path) {
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  if (problem || size > kMaxBytes) {
    return error(
        {.code = problem ? absl::StatusCode::kNotFound : absl::StatusCode::kInvalidArgument,
         .reason = problem ? "INPUT_NOT_FOUND" : "TOO_LARGE",
         .field = "parfile",
         .what = absl::StrCat("cannot read \"", path, "\""),
         .why = problem ? problem.message() : "it is longer than 1 MiB",
         .remedy = "check the path"});
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

absl::Status apply_parfile(const std::string& path, v1::ImagingSpec& spec) {
  const absl::StatusOr<std::string> text = read_text(path);
  if (!text.ok()) return text.status();
  v1::ImagingSpec changed = spec;
  try {
    const YAML::Node all = YAML::Load(*text);
    const Section file(all, "", {"author", "date", "model_definition", "deconvolution"});
    apply_model(file.sub("model_definition", {"class", "property", "initialization"}), changed);
    apply_deconvolution(file.sub("deconvolution", {"algorithm", "parameter"}), changed);
  } catch (const Refused& refused) {
    return refusal(path, refused);
  } catch (const YAML::Exception& problem) {
    return error({.reason = "BAD_PARAMETER",
                  .field = "parfile",
                  .what = absl::StrCat("cannot read \"", path, "\""),
                  .why = problem.what(),
                  .remedy = "correct the YAML"});
  }
  spec = changed;
  return absl::OkStatus();
}

}  // namespace unfold::cli
