#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/bench/spi_problem.h"
#include "workers/kernels/spi/merging.h"
#include "workers/kernels/spi/phasing.h"

// One generation of the single-particle loop, stage by stage, on frames of a made-up molecule:
// global matching, frames summed per reference, NUFFTs of the sums and of the kernel, conjugate
// gradients from the last map, phasing. Prints JSON: seconds beside the operations counted.
//   spi_generation [--frames 10000] [--references 10000] [--side 128] [--grid 81]
//                  [--photons 20000] [--top 3] [--starts 1] [--threads 2]
// Slicing is part of match, and is timed once more by itself.
namespace {

using namespace unfold;              // NOLINT(google-build-using-namespace): a program's own file
using namespace unfold::spi;         // NOLINT(google-build-using-namespace)
using namespace unfold::spi::bench;  // NOLINT(google-build-using-namespace)

using Arguments = std::map<std::string, double>;

/// Seconds of one stage, of its `work` in what `unit` says.
nlohmann::json stage(const std::function<void()>& f, double work, const char* unit) {
  Seconds took;
  time(took, f);
  return {{"wall_s", took.wall},
          {"cpu_s", took.cpu},
          {unit, work},
          {"per_cpu_s", took.cpu > 0 ? work / took.cpu : 0}};
}

/// References cut as match() cuts them, a block's room at a time.
void cut(const Slicer& slicer, std::span<const Quaternion> references, const PixelChoice& choice) {
  constexpr std::size_t kBlock = 1000;
  std::vector<float> room(kBlock * choice.pixel.size());
  for (std::size_t first = 0; first < references.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, references.size() - first);
    slicer.slices(references.subspan(first, count), choice,
                  View<float, 2>(room.data(), static_cast<Index>(count), choice.size()));
  }
}

/// Every frame to its best reference.
std::vector<Assignment> best_of(const Matches& found) {
  std::vector<Assignment> out;
  for (std::size_t i = 0; i < found.reference.size(); i += static_cast<std::size_t>(found.top))
    out.push_back({static_cast<Index>(out.size()), found.reference[i], 1.0f});
  return out;
}

/// The model in the frames' units: what the last generation would have left.
std::vector<double> last_map(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                             std::vector<double> a) {
  std::vector<std::uint8_t> chosen(static_cast<std::size_t>(frames.pixels()), 0);
  for (const std::uint32_t p : matching_pixels(slicer.detector())) chosen[p] = 1;
  constexpr Index kSome = 64;
  double seen = 0, made = 0;
  for (Index i = 0; i < kSome; ++i) seen += frames.total(i % frames.frames(), chosen);
  for (const double u : slice_totals(cpu, slicer, reference_rotations(kSome, {1, 0, 0, 0}), {}))
    made += u;
  for (double& x : a) x *= seen / made;
  return a;
}

nlohmann::json measure(const Arguments& asked) {
  const auto number = [&](const char* name) { return static_cast<Index>(asked.at(name)); };
  compute::Cpu cpu(static_cast<int>(number("threads")));
  compute::SoloCommunicator solo;
  const Index grid = number("grid"), count = number("references");
  const Detector detector = flat_detector(number("side"));
  const std::vector<double> a = points_autocorrelation(grid);
  Slicer slicer(cpu, grid, detector);
  slicer.set(View<const double, 3>(a.data(), grid, grid, grid));
  const PatternSet frames = noisy_frames(cpu, {number("frames"), asked.at("photons"), 0}, slicer);
  const std::vector<Quaternion> references = reference_rotations(count, {1, 0, 0, 0});
  const PixelChoice choice = slicer.choose(matching_pixels(detector));

  nlohmann::json out;
  const double pixels = static_cast<double>(choice.size()), n = asked.at("frames");
  const double j = asked.at("references");
  out["slicing"] = stage([&] { cut(slicer, references, choice); }, j * pixels, "points");
  Matches found;
  MatchOptions options;
  options.top = number("top");
  out["match"] = stage([&] { found = match(cpu, frames, slicer, references, options); },
                       2 * n * j * pixels, "flop");
  Merged merged;
  out["sums"] = stage(
      [&] {
        merged = sum_frames(cpu, frames, detector, references, best_of(found), {}, {},
                            MergeWeight::kPoisson);
      },
      n * static_cast<double>(detector.pixels()), "adds");
  Merger merger(cpu, grid, detector, solo);
  MergeOptions merge;
  merge.max_iterations = 0;
  out["nufft"] = stage([&] { merger.solve(merged, {}, {}, merge); },
                       2 * static_cast<double>(merged.value.size()), "points");
  MergeResult solved;
  const std::vector<double> before = last_map(cpu, frames, slicer, a);
  out["cg"] =
      stage([&] { solved = merger.solve_again(before, {}, MergeOptions{}); }, 1, "solutions");
  out["cg"]["iterations"] = solved.iterations;
  const std::vector<PhaseStart> starts(static_cast<std::size_t>(number("starts")));
  std::vector<PhaseResult> phased;
  out["phasing"] =
      stage([&] { phased = phase(cpu, grid, solved.autocorrelation, {}, starts, PhaseSchedule{}); },
            asked.at("starts"), "starts");
  double cpu_sum = 0, wall_sum = 0;
  for (const char* name : {"match", "sums", "nufft", "cg", "phasing"})
    cpu_sum += out[name]["cpu_s"].get<double>(), wall_sum += out[name]["wall_s"].get<double>();
  out["generation"] = {{"cpu_s", cpu_sum}, {"wall_s", wall_sum}};
  out["asked"] = asked;
  out["pixels_matched"] = choice.size();
  out["references_used"] = merged.rotation.size();
  out["peak_megabytes"] = peak_megabytes();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments asked = {{"frames", 10000}, {"references", 10000}, {"side", 128},
                     {"grid", 81},      {"photons", 20000},    {"top", 3},
                     {"starts", 1},     {"threads", 2}};
  for (int i = 1; i + 1 < argc; i += 2)
    asked.at(std::string(argv[i]).substr(2)) = std::stod(argv[i + 1]);
  std::cout << measure(asked).dump(2) << "\n";
}
