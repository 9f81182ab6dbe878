#include <dlfcn.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/bench/spi_problem.h"
#include "workers/compute/random.h"
#include "workers/kernels/spi/matching.h"

// Seconds of single-particle matching on made-up frames, beside a plain matrix product of the same
// size by whatever BLAS the machine has. Prints JSON.
//   spi_bench [--frames 2000] [--references 8000] [--side 32] [--grid 37] [--photons 1000]
//             [--metric poisson] [--background 0] [--starts 1] [--turns 100] [--tolerance 1e-3]
//             [--threads 1] [--repeats 3] [--blas libopenblas.so.0]
// sgemm, slices and match take turns, so that a loaded machine slows them alike; match_to_sgemm is
// the rate of the 2 N J P operations over a whole match(), slices and all, over sgemm's. --turns 0:
// no local search.
namespace {

using namespace unfold;              // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::spi;         // NOLINT(google-build-using-namespace)
using namespace unfold::spi::bench;  // NOLINT(google-build-using-namespace)

struct Arguments {
  Index frames = 2000, references = 8000, side = 32, grid = 37, repeats = 3, starts = 1,
        turns = 100;
  double photons = 1000, background = 0, tolerance = 1e-3;
  int threads = 1;
  std::string metric = "poisson", blas = "libopenblas.so.0";
};

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--frames") a.frames = std::stoi(value);
    if (name == "--references") a.references = std::stoi(value);
    if (name == "--side") a.side = std::stoi(value);
    if (name == "--grid") a.grid = std::stoi(value);
    if (name == "--photons") a.photons = std::stod(value);
    if (name == "--metric") a.metric = value;
    if (name == "--background") a.background = std::stod(value);
    if (name == "--starts") a.starts = std::stoi(value);
    if (name == "--turns") a.turns = std::stoi(value);
    if (name == "--tolerance") a.tolerance = std::stod(value);
    if (name == "--threads") a.threads = std::stoi(value);
    if (name == "--repeats") a.repeats = std::stoi(value);
    if (name == "--blas") a.blas = value;
  }
  return a;
}

/// Wall, CPU and `work` (in units of 1e9) per CPU second.
nlohmann::json report(const Seconds& s, double work) {
  return {{"wall_s", s.wall}, {"cpu_s", s.cpu}, {"giga_per_cpu_s", work / s.cpu / 1e9}};
}

/// Turns of some degrees about random axes, the first none.
std::vector<Quaternion> small_turns(Index count) {
  std::vector<Quaternion> turns = {{1, 0, 0, 0}};
  while (static_cast<Index>(turns.size()) < count) {
    compute::Random random(4, 4, turns.size());
    turns.push_back(
        rotation_by({0.06 * random.normal(), 0.06 * random.normal(), 0.06 * random.normal()}));
  }
  return turns;
}

/// The same product by a BLAS library, one thread: frames against a block of references.
class Sgemm {
 public:
  Sgemm(const Arguments& args, Index pixels)
      : m_(static_cast<int>(args.frames)), k_(static_cast<int>(pixels)) {
    void* library = dlopen(args.blas.c_str(), RTLD_NOW);
    if (library == nullptr) return;
    product_ = reinterpret_cast<Product>(dlsym(library, "cblas_sgemm"));
    if (auto set_threads =
            reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads")))
      set_threads(1);
    const auto room = [](int rows, int columns) {
      return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    };
    a_.assign(room(m_, k_), 0.5f), b_.assign(room(kBlock, k_), 0.25f),
        c_.assign(room(m_, kBlock), 0);
  }
  bool there() const { return product_ != nullptr; }
  void operator()() {
    product_(101, 111, 112, m_, kBlock, k_, 1, a_.data(), k_, b_.data(), k_, 0, c_.data(), kBlock);
  }
  double operations() const { return 2.0 * m_ * kBlock * k_; }

 private:
  using Product = void (*)(int, int, int, int, int, int, float, const float*, int, const float*,
                           int, float, float*, int);
  static constexpr int kBlock = 2048;
  int m_, k_;
  Product product_ = nullptr;
  std::vector<float> a_, b_, c_;
};

nlohmann::json measure(const Arguments& args) {
  compute::Cpu cpu(args.threads);
  const Detector detector = flat_detector(args.side);
  Slicer slicer(cpu, args.grid, detector, args.tolerance);
  const std::vector<double> a = points_autocorrelation(args.grid);
  slicer.set(View<const double, 3>(a.data(), args.grid, args.grid, args.grid));
  const PatternSet frames = noisy_frames(cpu, {args.frames, args.photons, args.background}, slicer);
  const std::vector<float> background(detector.mask.size(), static_cast<float>(args.background));
  std::vector<Quaternion> start;
  for (Index i = 0; i < args.frames; ++i)
    start.push_back(random_rotation(3, 3, static_cast<std::uint64_t>(i)));
  std::vector<double> fluence = slice_totals(cpu, slicer, start, {});
  for (double& phi : fluence) phi = args.photons / phi;
  MatchOptions options;
  options.metric = args.metric == "sqrt"     ? Metric::kSqrt
                   : args.metric == "euclid" ? Metric::kEuclid
                                             : Metric::kPoisson;
  if (args.background > 0) options.background = background, options.fluence = fluence;

  const PixelChoice choice = slicer.choose(matching_pixels(detector));
  const std::vector<Quaternion> references = reference_rotations(args.references, {1, 0, 0, 0});
  std::vector<float> slices(static_cast<std::size_t>(args.references * choice.size()));
  const std::vector<Quaternion> turns = small_turns(args.turns);
  std::vector<Quaternion> starts;
  for (Index s = 0; s < args.starts; ++s) starts.insert(starts.end(), start.begin(), start.end());
  Sgemm sgemm(args, choice.size());
  Seconds cut, all, near, blas;
  for (Index r = 0; r < args.repeats; ++r) {
    if (sgemm.there()) time(blas, [&] { sgemm(); });
    time(cut, [&] {
      slicer.slices(references, choice,
                    View<float, 2>(slices.data(), args.references, choice.size()));
    });
    time(all, [&] { match(cpu, frames, slicer, references, options); });
    if (args.turns > 0)
      time(near, [&] { match_near(cpu, frames, slicer, starts, args.starts, turns, options); });
  }
  const auto points = static_cast<double>(choice.size());
  const auto pairs = static_cast<double>(args.frames * args.references);
  const auto local = static_cast<double>(args.frames * args.starts * args.turns);
  nlohmann::json out = {{"frames", args.frames},
                        {"references", args.references},
                        {"pixels_matched", choice.size()},
                        {"threads", args.threads},
                        {"isa", compute::to_string(compute::choose_isa())},
                        {"slices", report(cut, static_cast<double>(args.references) * points)},
                        {"match", report(all, 2 * pairs * points)},
                        {"peak_megabytes", peak_megabytes()}};
  if (args.turns > 0) out["match_near"] = report(near, local * points);
  if (sgemm.there()) {
    out["sgemm"] = report(blas, sgemm.operations());
    out["match_to_sgemm"] = 2 * pairs * points / all.cpu / (sgemm.operations() / blas.cpu);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) { std::cout << measure(parse(argc, argv)).dump(2) << "\n"; }
