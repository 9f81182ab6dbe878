#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/simulate/imaging.h"
#include "tests/bench/timing.h"
#include "workers/kernels/imaging/reconstruction.h"
#include "workers/kernels/imaging/responses.h"

// How fast each algorithm of the imaging engine comes near the maximum of the likelihood, and how
// good its images are on the way, on a simulated problem with its truth. Prints JSON.
//   imaging_convergence [--preset dc1] [--seed 1] [--passes 150] [--maximum 400] [--threads 2]
//                       [--history 0] [--run em,osem:8,osem:32,squarem]
// A run is em, em-newton, dc1, dc1-feedback, cosipy-rl, squarem, osem:SUBSETS or map:SUBSETS.
// --maximum: passes spent on the likelihood that the others are measured from (2 dlogL); 0: none.
namespace {

using namespace unfold;           // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::imaging;  // NOLINT(google-build-using-namespace)

using Arguments = std::map<std::string, std::string>;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// All that a Problem refers to.
struct Data {
  std::unique_ptr<Operator> response;
  Events events;
  Background background;
  std::vector<double> counts, exposure, truth;
  SkyGeometry sky;
  compute::SoloCommunicator solo;

  Problem problem() { return {*response, events, background, counts, exposure, sky, solo}; }
};

std::unique_ptr<Operator> operator_of(imaging_data::ProblemParts& parts, compute::Cpu& cpu) {
  FactoredResponseBuilder builder(parts.directions, parts.bins, Storage::kFp32);
  builder.append(parts.instrument_response);
  AttitudeTable table{.times = parts.times,
                      .pointings = static_cast<Index>(parts.attitude.live_time.size()),
                      .pixels = parts.sky.pixels(),
                      .neighbours = parts.attitude.lookup.neighbours,
                      .lookup = std::move(parts.attitude.lookup.direction),
                      .weight = std::move(parts.attitude.lookup.weight),
                      .live_time = std::move(parts.attitude.live_time),
                      .time_bin = std::move(parts.attitude.time_bin)};
  return make_factored_operator(builder.finish(), make_attitude(std::move(table), parts.directions),
                                parts.sky.solid_angle, cpu);
}

void load(imaging_data::ProblemParts parts, compute::Cpu& cpu, Data& data) {
  data.response = operator_of(parts, cpu);
  data.events = {parts.counts.begin, parts.counts.bin};
  data.counts = parts.counts.value;
  data.truth = parts.truth;
  data.exposure.resize(at(parts.sky.pixels()));
  data.response->sensitivity({}, data.exposure);
  data.background.components = 1;
  data.background.groups = 1 + *std::max_element(parts.group.begin(), parts.group.end());
  data.background.group = parts.group;
  data.background.sum = parts.background_live.sums();
  for (Index t = 0; t < data.events.times(); ++t) {
    for (Index n = data.events.begin[at(t)]; n < data.events.begin[at(t + 1)]; ++n) {
      data.background.at_events.push_back(parts.background_live.at(t, data.events.bin[at(n)]));
    }
  }
  data.sky.solid_angle = parts.sky.solid_angle;
  data.sky.direction = sky::directions(parts.sky);
  data.sky.neighbours = sky::neighbours(parts.sky);
}

AlgorithmOptions options_of(const std::string& run) {
  const std::map<std::string, Algorithm> names = {
      {"em", Algorithm::kEm},        {"em-newton", Algorithm::kEmNewton},
      {"dc1", Algorithm::kDc1},      {"dc1-feedback", Algorithm::kDc1Feedback},
      {"osem", Algorithm::kOsem},    {"map", Algorithm::kMap},
      {"squarem", Algorithm::kOsem}, {"cosipy-rl", Algorithm::kCosipyRl}};
  const std::size_t colon = run.find(':');
  AlgorithmOptions out{.algorithm = names.at(run.substr(0, colon))};
  out.subsets = colon != std::string::npos ? std::stol(run.substr(colon + 1)) : 1;
  return out;
}

/// Root mean square difference from the truth where the exposure is above a tenth of its maximum,
/// over the truth's root mean square there.
double masked_error(const Data& data, const std::vector<double>& image) {
  const double least = 0.1 * *std::max_element(data.exposure.begin(), data.exposure.end());
  double off = 0, size = 0;
  for (std::size_t p = 0; p < image.size(); ++p) {
    if (data.exposure[p] < least) continue;
    off += (image[p] - data.truth[p]) * (image[p] - data.truth[p]);
    size += data.truth[p] * data.truth[p];
  }
  return std::sqrt(off / size);
}

nlohmann::json trace(Data& data, const std::string& run, Index passes, double best, bool history) {
  const Problem problem = data.problem();
  const auto made = make_reconstruction(problem, options_of(run));
  nlohmann::json out, steps = nlohmann::json::array();
  double seconds = 0, least_error = 1e300;
  for (Index spent = 0; spent < passes;) {
    const bench::Stopwatch watch;
    const Step step = made->step();
    seconds += watch.wall();
    spent += step.passes;
    const double left = 2 * (best - made->log_likelihood());
    const double error = masked_error(data, made->estimate().image);
    if (error < least_error) {
      least_error = error;
      out["least_masked_error"] = {{"passes", spent}, {"error", error}, {"left", left}};
    }
    for (const double threshold : {150.0, 50.0, 10.0, 1.0}) {
      const std::string name = "passes_to_" + std::to_string(static_cast<int>(threshold));
      if (left < threshold && !out.contains(name)) out[name] = spent;
    }
    if (history) {
      steps.push_back({spent, left, 2 * (best - step.log_likelihood), step.step_length, error});
    }
  }
  out["left_at_end"] = 2 * (best - made->log_likelihood());
  out["steps"] = made->iteration();
  out["seconds"] = seconds;
  if (history) out["passes_left_seen_length_error"] = steps;
  return out;
}

double maximum_of(Data& data, Index passes) {
  const Problem problem = data.problem();
  const auto made = make_reconstruction(problem, {.subsets = 8});
  for (Index spent = 0; spent < passes;) spent += made->step().passes;
  return made->log_likelihood();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a = {{"--preset", "dc1"},
                 {"--seed", "1"},
                 {"--passes", "150"},
                 {"--maximum", "400"},
                 {"--threads", "2"},
                 {"--history", "0"},
                 {"--run", "em,osem:8,osem:32,squarem"}};
  for (int i = 1; i + 1 < argc; i += 2) a[argv[i]] = argv[i + 1];
  auto options = simulate::imaging_preset(a["--preset"]);
  if (!options.ok()) return 2;
  options->seed = std::stoul(a["--seed"]);
  auto parts = simulate::make_imaging_problem(*options);
  if (!parts.ok()) return 2;
  compute::Cpu cpu(std::stoi(a["--threads"]));
  Data data;
  load(*std::move(parts), cpu, data);
  nlohmann::json out;
  out["events"] = data.events.size();
  out["counts"] = std::accumulate(data.counts.begin(), data.counts.end(), 0.0);
  const double best = maximum_of(data, std::stol(a["--maximum"]));
  out["maximum"] = best;
  std::string runs = a["--run"] + ",";
  for (std::size_t comma; (comma = runs.find(',')) != std::string::npos; runs.erase(0, comma + 1)) {
    const std::string run = runs.substr(0, comma);
    out[run] = trace(data, run, std::stol(a["--passes"]), best, a["--history"] == "1");
  }
  std::cout << out.dump(1) << "\n";
}
