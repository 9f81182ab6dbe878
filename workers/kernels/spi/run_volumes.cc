#include <algorithm>

#include "workers/compute/random.h"
#include "workers/kernels/spi/run_state.h"

// Frames to volumes: the merge and the phasing of a generation.
namespace unfold::spi {
namespace {

constexpr std::uint64_t kHeldOutStream = 0x68656c64;
constexpr double kHeldOut = 0.125;    // share of the frames
constexpr double kFewestHeldOut = 8;  // that a choice is made by
// What a run chooses among once, when its first local search has ended.
constexpr Penalties kPenalties[] = {{1e-4, 1}, {1e-3, 1},   {1e-2, 1},
                                    {1e-1, 1}, {1e-3, 0.1}, {1e-3, 10}};

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Where the autocorrelation of a density inside its support can be, one voxel wider.
std::vector<std::uint8_t> reach_of(const std::vector<double>& autocorrelation, Index grid) {
  const double top = *std::max_element(autocorrelation.begin(), autocorrelation.end());
  std::vector<std::uint8_t> out(autocorrelation.size(), 0);
  const auto place = [&](Index x, Index y, Index z) { return at((x * grid + y) * grid + z); };
  for (Index x = 0; x < grid; ++x) {
    for (Index y = 0; y < grid; ++y) {
      for (Index z = 0; z < grid; ++z) {
        if (autocorrelation[place(x, y, z)] <= 1e-10 * top) continue;
        for (Index a = std::max<Index>(x - 1, 0); a <= std::min(x + 1, grid - 1); ++a) {
          for (Index b = std::max<Index>(y - 1, 0); b <= std::min(y + 1, grid - 1); ++b) {
            for (Index c = std::max<Index>(z - 1, 0); c <= std::min(z + 1, grid - 1); ++c) {
              out[place(a, b, c)] = 1;
            }
          }
        }
      }
    }
  }
  return out;
}

}  // namespace

/// Sums the frames of conformation c that `takes` accepts at their places.
Merged Run::State::sum_of(const Placement& placement, std::size_t c,
                          const std::function<bool(Index)>& takes) const {
  const Candidates& found = placement.candidates;
  const Index k = found.per_frame;
  std::vector<Quaternion> own;
  std::vector<Assignment> assignments;
  for (Index i = 0; i < frames.frames(); ++i) {
    if (estimate.non_hit[at(i)] != 0 || !takes(i)) continue;
    for (Index j = i * k; j < (i + 1) * k; ++j) {
      if (found.conformation[at(j)] != static_cast<std::int32_t>(c)) continue;
      if (placement.weight[at(j)] <= 0) continue;
      std::int32_t rotation = 0;
      if (placement.references.empty()) {
        rotation = static_cast<std::int32_t>(own.size());
        own.push_back(found.rotation[at(j)]);
      } else {
        rotation = found.reference[at(j)];
      }
      assignments.push_back({i, rotation, placement.weight[at(j)]});
    }
  }
  const auto kind =
      options.metric == Metric::kPoisson ? MergeWeight::kPoisson : MergeWeight::kLeastSquares;
  return sum_frames(cpu, frames, detector,
                    placement.references.empty() ? own : placement.references, assignments,
                    estimate.fluence, estimate.background, kind, options.match_device);
}

/// Whether both sets hold frames enough for one to judge the other, on all ranks together.
bool Run::State::can_judge(const Merged& kept, const Merged& held_out) const {
  double frames_of[] = {double(kept.rotation.size()), double(held_out.rotation.size())};
  communicator.sum(frames_of);
  return std::min(frames_of[0], frames_of[1]) >= kFewestHeldOut;
}

void Run::State::merge(const Placement& placement) {
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    const auto support =
        model[c].empty() ? std::vector<std::uint8_t>{} : reach_of(model[c], options.grid);
    if (placement.references.empty() && !model[c].empty() && penalties[c].ridge == 0) {
      const auto held = [&](Index i) {
        return compute::Random(options.seed, kHeldOutStream, static_cast<std::uint64_t>(i))
                   .uniform() < kHeldOut;
      };
      const Merged kept = sum_of(placement, c, [&](Index i) { return !held(i); });
      const Merged held_out = sum_of(placement, c, held);
      if (can_judge(kept, held_out)) {
        ChosenMerge made = merger.choose(kept, held_out, model[c], support, {}, kPenalties);
        penalties[c] = kPenalties[made.chosen];
        estimate.autocorrelation[c] = std::move(made.merged.autocorrelation);
        continue;
      }
    }
    const Merged merged = sum_of(placement, c, [](Index) { return true; });
    if (merged.rotation.empty() && model[c].empty()) continue;
    MergeOptions merging;
    if (penalties[c].ridge > 0) {
      merging.ridge = penalties[c].ridge;
      merging.anti_support = penalties[c].anti_support;
    }
    estimate.autocorrelation[c] = merger.solve(merged, model[c], support, merging).autocorrelation;
  }
}

double Run::State::phase_all(bool fresh, const std::function<bool()>& cancelled) {
  double worst = 0;
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    if (estimate.autocorrelation[c].empty()) continue;
    std::vector<PhaseStart> starts;
    const std::uint64_t seed = options.seed + 1000 * (history.size() + 1) + 100 * c;
    if (!estimate.density[c].empty()) {
      starts.push_back({estimate.support[c], estimate.density[c], seed});
    }
    if (fresh || starts.empty()) {
      starts.push_back({{}, {}, seed + 1});
      starts.push_back({{}, {}, seed + 2});
    }
    auto results = phase(cpu, options.grid, estimate.autocorrelation[c], known, starts,
                         PhaseSchedule{}, cancelled, phase_device.get());
    auto best = std::min_element(results.begin(), results.end(), [](const auto& a, const auto& b) {
      return a.fourier_error < b.fourier_error;
    });
    estimate.density[c] = std::move(best->density);
    estimate.support[c] = std::move(best->support);
    model[c] = std::move(best->autocorrelation);
    worst = std::max(worst, best->fourier_error);
  }
  return worst;
}

}  // namespace unfold::spi
