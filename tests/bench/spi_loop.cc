#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/bench/timing.h"
#include "tests/support/spi_noise.h"
#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/run.h"

// One run of the single-particle loop on a shared case, from random orientations; a line of JSON a
// generation, with what the truth says of it, and one at the end.
//   spi_loop FILE [--truth c4_full_clean.h5] [--frames N] [--half 0|1] [--seeds 1,2,3] [--grid 37]
//            [--metric poisson|sqrt|euclid] [--generations 60] [--conformations 1] [--beta 0]
//            [--background fit|known] [--threads 2] [--maps 0: only at the end | K: every K]
//            [--photons 0: as they are | mean a frame] [--stop 2.5] [--fluence 0.35] [--dark 0]
//            [--non-hits 0] : made of clean frames
namespace {

using namespace unfold;       // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::spi;  // NOLINT(google-build-using-namespace)

using Arguments = std::map<std::string, std::string>;

Arguments arguments_of(int argc, char** argv) {
  Arguments out = {{"frames", "0"},  {"half", ""},          {"seeds", "1"},         {"grid", "37"},
                   {"metric", ""},   {"generations", "60"}, {"conformations", "1"}, {"beta", "0"},
                   {"truth", ""},    {"background", ""},    {"threads", "2"},       {"maps", "0"},
                   {"photons", "0"}, {"stop", "2.5"},       {"fluence", "0.35"},    {"dark", "0"},
                   {"non-hits", "0"}};
  for (int i = 2; i + 1 < argc; i += 2) out.at(std::string(argv[i]).substr(2)) = argv[i + 1];
  return out;
}

Metric metric_of(const std::string& name) {
  return name == "sqrt" ? Metric::kSqrt : name == "euclid" ? Metric::kEuclid : Metric::kPoisson;
}

/// Every second frame, from `first`; all where `half` is empty.
void keep_half(test::SpiCase& data, const std::string& half) {
  if (half.empty()) return;
  std::vector<Index> kept;
  std::vector<Quaternion> turns;
  for (Index i = std::stoi(half); i < data.frames.frames(); i += 2) {
    kept.push_back(i);
    turns.push_back(data.orientation[static_cast<std::size_t>(i)]);
  }
  data.frames = data.frames.subset(kept);
  data.orientation = turns;
}

void compare_map(nlohmann::json& line, compute::Cpu& cpu, Index grid, double qmax,
                 const std::vector<double>& truth, const std::vector<double>& density) {
  const Alignment alignment = align_densities(cpu, grid, truth, density);
  const auto moved = apply(cpu, grid, density, alignment);
  const auto fsc = shell_correlation(cpu, grid, truth, moved);
  line["cc"] = alignment.correlation;
  line["resolution"] = resolution_of(fsc, qmax, grid, 0.5);
}

void run_one(const test::SpiCase& data, const std::vector<double>& truth,
             const std::vector<std::uint8_t>& hit, const Arguments& asked, std::uint64_t seed) {
  compute::Cpu cpu(std::stoi(asked.at("threads")));
  compute::SoloCommunicator solo;
  RunOptions options;
  options.grid = std::stoi(asked.at("grid"));
  options.metric = metric_of(asked.at("metric"));
  options.seed = seed;
  options.max_generations = std::stoi(asked.at("generations"));
  options.conformations = std::stoi(asked.at("conformations"));
  options.beta = std::stod(asked.at("beta"));
  options.fit_background = asked.at("background") == "fit";
  if (asked.at("background") == "known") options.background = data.background;
  const int maps = std::stoi(asked.at("maps"));
  Run run(cpu, data.frames, data.detector, options, solo);
  const bench::Stopwatch watch;
  while (!run.finished()) {
    const Generation g = run.step();
    const auto errors = orientation_errors(run.estimate().orientation, data.orientation);
    double close = 0;
    for (const double e : errors.modulo_degrees) close += e < 10;
    nlohmann::json line = {{"seed", seed},
                           {"gen", g.number},
                           {"stage", g.stage},
                           {"J", g.references},
                           {"res", g.resolution},
                           {"beta", g.beta},
                           {"ll", g.log_likelihood},
                           {"gain", g.gain},
                           {"turn", g.median_change_degrees},
                           {"entropy", g.entropy},
                           {"ferr", g.fourier_error},
                           {"match", g.seconds_match},
                           {"merge", g.seconds_merge},
                           {"phase", g.seconds_phase},
                           {"error", errors.median_degrees},
                           {"error_modulo", errors.median_modulo_degrees},
                           {"close", close / static_cast<double>(errors.degrees.size())}};
    line["cpu"] = watch.cpu();
    const bool last = run.finished();
    if (last) {
      line["wall"] = watch.wall();
      line["converged"] = run.converged();
      double found = 0, wrong = 0;
      for (std::size_t i = 0; i < hit.size(); ++i) {
        const bool said = run.estimate().non_hit[i] != 0;
        (hit[i] == 0 ? found : wrong) += said;
      }
      line["non_hits_found"] = found;
      line["hits_lost"] = wrong;
    }
    if (!truth.empty() && (last || (maps > 0 && g.number % maps == 0))) {
      compare_map(line, cpu, options.grid, data.detector.qmax, truth, run.estimate().density[0]);
    }
    std::cout << line.dump() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments asked = arguments_of(argc, argv);
  const auto limit = std::stoul(asked.at("frames"));
  test::SpiCase data = test::read_spi_case(argv[1], limit > 0 ? limit : std::size_t{1} << 30);
  std::vector<std::uint8_t> hit;
  if (const double photons = std::stod(asked.at("photons")); photons > 0) {
    const test::SpiNoise noise{.photons = photons,
                               .stop = std::stod(asked.at("stop")),
                               .fluence = std::stod(asked.at("fluence")),
                               .background = std::stod(asked.at("dark")),
                               .non_hits = std::stod(asked.at("non-hits"))};
    data = test::with_noise(data, noise, &hit);
  }
  keep_half(data, asked.at("half"));
  const std::vector<double> truth = asked.at("truth").empty()
                                        ? data.density
                                        : test::Hdf5Numbers(asked.at("truth")).doubles("rho_true");
  std::string seeds = asked.at("seeds") + ",";
  for (std::size_t from = 0; from < seeds.size();) {
    const std::size_t end = seeds.find(',', from);
    run_one(data, truth, hit, asked, std::stoull(seeds.substr(from, end - from)));
    from = end + 1;
  }
}
