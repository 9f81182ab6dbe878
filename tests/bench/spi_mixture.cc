#include "tests/support/spi_mixture.h"

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/bench/timing.h"
#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/reconstruct.h"

// Simulates frames of PDB files in the shared cases' geometry and reconstructs them from random
// orientations, as a whole job or as one run; prints a line of JSON: what was found, against the
// truth.
//   spi_mixture PDB[,PDB] [--chains A] [--frames 1000] [--photons 1000 | 0] [--stop 2.5]
//           [--fluence 0.35] [--jitter 0] [--conformations 1] [--seed 1] [--data-seed 1]
//           [--fractions 0.8,0.2] [--grid 37] [--generations 60] [--part job|run|from-truth]
//           [--threads 1]
namespace {

using namespace unfold;       // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::spi;  // NOLINT(google-build-using-namespace)

using Arguments = std::map<std::string, std::string>;

Arguments arguments_of(int argc, char** argv) {
  Arguments out = {{"chains", ""},   {"frames", "1000"},     {"photons", "1000"}, {"stop", "2.5"},
                   {"jitter", "0"},  {"conformations", "1"}, {"fluence", "0.35"}, {"seed", "1"},
                   {"grid", "37"},   {"generations", "60"},  {"data-seed", "1"},  {"part", "job"},
                   {"threads", "1"}, {"fractions", ""}};
  for (int i = 2; i + 1 < argc; i += 2) out.at(std::string(argv[i]).substr(2)) = argv[i + 1];
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream list(text);
  for (std::string one; std::getline(list, one, ',');) out.push_back(one);
  return out;
}

test::SpiMixture simulated(const std::string& names, const Arguments& asked) {
  simulate::SpiOptions options;
  options.frames = std::stoll(asked.at("frames"));
  options.photons = std::stod(asked.at("photons"));
  options.geometry.beamstop = std::stod(asked.at("stop"));
  options.fluence_sigma = std::stod(asked.at("fluence"));
  options.jitter = std::stod(asked.at("jitter"));
  options.scattering.form_factors = spi_data::FormFactors::kCharge;
  options.seed = std::stoull(asked.at("data-seed"));
  for (const std::string& f : split(asked.at("fractions")))
    options.fractions.push_back(std::stod(f));
  std::vector<spi_data::Molecule> molecules;
  for (const std::string& name : split(names)) {
    molecules.push_back(test::molecule_of(name, asked.at("chains")));
  }
  return test::mixture_of(molecules, options, std::stoll(asked.at("grid")));
}

/// Of the frames that show molecule `which`: each has a global rotation of its own.
nlohmann::json errors_of(const Estimate& found, const test::SpiMixture& truth, std::int32_t which) {
  std::vector<Quaternion> estimated, actual;
  for (std::size_t i = 0; i < truth.conformation.size(); ++i) {
    if (truth.conformation[i] != which) continue;
    estimated.push_back(found.orientation[i]);
    actual.push_back(truth.data.orientation[i]);
  }
  const OrientationErrors errors = orientation_errors(estimated, actual);
  double close = 0;
  for (const double e : errors.modulo_degrees) close += e < 10;
  return {{"error", errors.median_degrees},
          {"error_modulo", errors.median_modulo_degrees},
          {"close", close / static_cast<double>(errors.degrees.size())}};
}

/// A map against every molecule: it may show any.
nlohmann::json map_line(compute::Cpu& cpu, Index grid, const std::vector<double>& density,
                        const test::SpiMixture& truth) {
  nlohmann::json line;
  for (const std::vector<double>& molecule : truth.densities) {
    const Alignment onto = align_densities(cpu, grid, molecule, density);
    const auto fsc = shell_correlation(cpu, grid, molecule, apply(cpu, grid, density, onto));
    line["cc"].push_back(onto.correlation);
    line["resolution"].push_back(resolution_of(fsc, truth.data.detector.qmax, grid, 0.5));
  }
  return line;
}

nlohmann::json confusion_of(const Estimate& found, const test::SpiMixture& truth, int maps) {
  std::vector<std::vector<int>> count(truth.densities.size(),
                                      std::vector<int>(static_cast<std::size_t>(maps)));
  for (std::size_t i = 0; i < truth.conformation.size(); ++i) {
    ++count[static_cast<std::size_t>(truth.conformation[i])]
           [static_cast<std::size_t>(found.conformation[i])];
  }
  return count;
}

struct Found {
  Estimate estimate;
  nlohmann::json line;
};

Found run_of(compute::Cpu& cpu, const test::SpiMixture& truth, const RunOptions& options,
             bool from_truth) {
  compute::SoloCommunicator solo;
  const test::SpiCase& data = truth.data;
  Run run(cpu, data.frames, data.detector, options, solo);
  if (from_truth) {
    const std::vector<std::uint8_t> all_hits(truth.conformation.size(), 0);
    run.start_from(data.orientation, truth.conformation, data.fluence, all_hits);
  }
  while (!run.finished()) run.step();
  return {run.estimate(), {{"generations", run.history().size()}, {"converged", run.converged()}}};
}

Found job_of(compute::Cpu& cpu, const test::SpiCase& data, const RunOptions& options) {
  compute::SoloCommunicator solo;
  Hooks hooks;
  hooks.report = [](const Report& r) {
    std::cerr << r.part << ' ' << r.generation.number << ' ' << r.generation.stage << ' '
              << r.generation.median_change_degrees << std::endl;
  };
  Settings settings;
  settings.run = options;
  Result result = reconstruct(cpu, data.frames, data.detector, settings, solo, hooks);
  nlohmann::json line = {
      {"verdict", to_string(result.verdict)},   {"reasons", result.reasons},
      {"gain", result.conformation_gain},       {"gain_error", result.conformation_gain_error},
      {"kappa", result.conformation_agreement}, {"evidence", result.evidence_for_conformations}};
  for (std::size_t c = 0; c < result.maps.size(); ++c) {
    result.estimate.density[c] = result.maps[c].density;
    line["half_resolution"].push_back(result.maps[c].resolution);
  }
  return {std::move(result.estimate), std::move(line)};
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments asked = arguments_of(argc, argv);
  const test::SpiMixture truth = simulated(argv[1], asked);
  compute::Cpu cpu(std::stoi(asked.at("threads")));
  RunOptions options;
  options.grid = std::stoll(asked.at("grid"));
  options.seed = std::stoull(asked.at("seed"));
  options.max_generations = std::stoi(asked.at("generations"));
  options.conformations = std::stoi(asked.at("conformations"));
  const bench::Stopwatch watch;
  const std::string& part = asked.at("part");
  Found found = part == "job" ? job_of(cpu, truth.data, options)
                              : run_of(cpu, truth, options, part == "from-truth");
  nlohmann::json& line = found.line;
  line["asked"] = asked;
  line["cpu"] = watch.cpu();
  line["confusion"] = confusion_of(found.estimate, truth, options.conformations);
  for (std::size_t c = 0; c < truth.densities.size(); ++c) {
    line["frames_of"].push_back(errors_of(found.estimate, truth, static_cast<std::int32_t>(c)));
  }
  for (const std::vector<double>& density : found.estimate.density) {
    line["maps"].push_back(map_line(cpu, options.grid, density, truth));
  }
  std::cout << line.dump() << std::endl;
}
