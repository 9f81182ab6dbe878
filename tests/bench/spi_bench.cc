#include <dlfcn.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "workers/compute/random.h"
#include "workers/kernels/spi/matching.h"

// Seconds of single-particle matching on made-up frames, beside a plain matrix product of the same
// size by whatever BLAS the machine has. Prints JSON.
//   spi_bench [--frames 2000] [--references 8000] [--side 32] [--grid 37] [--photons 1000]
//             [--metric poisson] [--background 0] [--starts 1] [--turns 100] [--tolerance 1e-3]
//             [--threads 1] [--repeats 3] [--blas libopenblas.so.0]
namespace {

using namespace unfold;       // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::spi;  // NOLINT(google-build-using-namespace)

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

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Seconds {
  double wall = 1e30, cpu = 1e30;
};

/// The shortest of some repeats.
Seconds seconds_of(Index repeats, const std::function<void()>& f) {
  Seconds best;
  for (Index r = 0; r < repeats; ++r) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    f();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best.wall = std::min(best.wall, took.count());
    best.cpu = std::min(best.cpu, cpu_seconds() - cpu);
  }
  return best;
}

/// Wall, CPU and `work` (in units of 1e9) per CPU second.
nlohmann::json report(const Seconds& s, double work) {
  return {{"wall_s", s.wall}, {"cpu_s", s.cpu}, {"giga_per_cpu_s", work / s.cpu / 1e9}};
}

Detector flat_detector(Index side) {
  Detector d;
  for (Index i = 0; i < side; ++i)
    for (Index j = 0; j < side; ++j) {
      const double half = static_cast<double>(side - 1) / 2;
      const double x = (static_cast<double>(i) - half) / static_cast<double>(side);
      const double y = (static_cast<double>(j) - half) / static_cast<double>(side);
      const double z = 2 - std::sqrt(4 - x * x - y * y);
      d.q.insert(d.q.end(), {x, y, z});
      d.correction.push_back(1);
      d.mask.push_back(std::hypot(x, y) < 0.06 ? PixelClass::kBad : PixelClass::kGood);
      d.qmax = std::max(d.qmax, std::hypot(x, y, z));
    }
  return d;
}

/// The autocorrelation of random points in the central half of the box.
std::vector<double> points_autocorrelation(Index grid) {
  std::vector<double> a(static_cast<std::size_t>(grid * grid * grid), 0.0);
  compute::Random random(1, 1, 1);
  std::vector<std::array<Index, 3>> atoms(150);
  for (auto& atom : atoms)
    for (Index& x : atom)
      x = static_cast<Index>(random.uniform() * static_cast<double>(grid / 2)) - grid / 4;
  for (const auto& u : atoms)
    for (const auto& v : atoms) {
      Index place = 0;
      for (std::size_t d = 0; d < 3; ++d) place = place * grid + (u[d] - v[d] + grid / 2);
      a[static_cast<std::size_t>(place)] += 1;
    }
  return a;
}

PatternSet noisy_frames(const Arguments& args, const Slicer& slicer, const Detector& detector) {
  std::vector<std::uint32_t> all(detector.mask.size());
  for (std::size_t p = 0; p < all.size(); ++p) all[p] = static_cast<std::uint32_t>(p);
  const PixelChoice choice = slicer.choose(all);
  std::vector<float> model(all.size());
  std::vector<std::uint16_t> counts;
  for (Index i = 0; i < args.frames; ++i) {
    compute::Random random(2, 2, static_cast<std::uint64_t>(i));
    slicer.slice(random_rotation(3, 3, static_cast<std::uint64_t>(i)), choice, model.data());
    double sum = 0;
    for (std::size_t p = 0; p < all.size(); ++p)
      if (detector.mask[p] == PixelClass::kGood) sum += std::max(model[p], 0.0f);
    for (std::size_t p = 0; p < all.size(); ++p) {
      const double mean = args.photons * std::max(model[p], 0.0f) / sum + args.background;
      const bool good = detector.mask[p] == PixelClass::kGood;
      counts.push_back(good ? static_cast<std::uint16_t>(random.poisson(mean)) : 0);
    }
  }
  return PatternSet::dense(args.frames, detector.pixels(), std::move(counts));
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

/// The same product by a BLAS library, one thread; null where there is none.
nlohmann::json sgemm(const Arguments& args, Index pixels) {
  void* library = dlopen(args.blas.c_str(), RTLD_NOW);
  if (library == nullptr) return nullptr;
  using Product = void (*)(int, int, int, int, int, int, float, const float*, int, const float*,
                           int, float, float*, int);
  const auto product = reinterpret_cast<Product>(dlsym(library, "cblas_sgemm"));
  const auto set_threads =
      reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
  if (product == nullptr) return nullptr;
  if (set_threads != nullptr) set_threads(1);
  const Index block = 2048;
  const auto m = static_cast<std::size_t>(args.frames), k = static_cast<std::size_t>(pixels);
  std::vector<float> a(m * k, 0.5f), b(block * k, 0.25f), c(m * block);
  const auto size = [](Index n) { return static_cast<int>(n); };
  const Seconds took = seconds_of(args.repeats + 2, [&] {
    product(101, 111, 112, size(args.frames), size(block), size(pixels), 1, a.data(), size(pixels),
            b.data(), size(pixels), 0, c.data(), size(block));
  });
  return report(took, 2.0 * static_cast<double>(args.frames * block * pixels));
}

nlohmann::json measure(const Arguments& args) {
  compute::Cpu cpu(args.threads);
  const Detector detector = flat_detector(args.side);
  Slicer slicer(cpu, args.grid, detector, args.tolerance);
  const std::vector<double> a = points_autocorrelation(args.grid);
  slicer.set(View<const double, 3>(a.data(), args.grid, args.grid, args.grid));
  const PatternSet frames = noisy_frames(args, slicer, detector);
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
  const Seconds cut = seconds_of(args.repeats, [&] {
    slicer.slices(references, choice,
                  View<float, 2>(slices.data(), args.references, choice.size()));
  });
  slices = {};
  const Seconds all =
      seconds_of(args.repeats, [&] { match(cpu, frames, slicer, references, options); });
  const std::vector<Quaternion> turns = small_turns(args.turns);
  std::vector<Quaternion> starts;
  for (Index s = 0; s < args.starts; ++s) starts.insert(starts.end(), start.begin(), start.end());
  const Seconds near = seconds_of(
      args.repeats, [&] { match_near(cpu, frames, slicer, starts, args.starts, turns, options); });
  const auto points = static_cast<double>(choice.size());
  const auto pairs = static_cast<double>(args.frames * args.references);
  const auto local = static_cast<double>(args.frames * args.starts * args.turns);
  return {{"frames", args.frames},
          {"references", args.references},
          {"pixels_matched", choice.size()},
          {"threads", args.threads},
          {"isa", compute::to_string(compute::choose_isa())},
          {"sgemm", sgemm(args, choice.size())},
          {"slices", report(cut, static_cast<double>(args.references) * points)},
          {"match", report(all, 2 * pairs * points)},
          {"match_near", report(near, local * points)},
          {"peak_megabytes", peak_megabytes()}};
}

}  // namespace

int main(int argc, char** argv) { std::cout << measure(parse(argc, argv)).dump(2) << "\n"; }
