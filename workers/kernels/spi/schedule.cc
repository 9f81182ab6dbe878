#include "workers/kernels/spi/schedule.h"

#include <algorithm>
#include <cmath>

#include "workers/compute/random.h"

namespace unfold::spi {
namespace {

// Speckles along a radius that a coarse start looks at, and how fast it looks further.
constexpr double kFirstSpeckles = 5.5;
constexpr double kMarch = 1.35;
// Spacing of references over d / D: enough to find the basin; enough to hand over to levels.
constexpr double kCoarseSpacing = 1.9;
constexpr double kGlobalSpacing = 1.3;
// Reach of the local levels over d / D.
constexpr double kLevels[] = {0.7, 0.45, 0.28, 0.17};
constexpr double kPhotonsOfIntensities = 1000;
// Global passes over the finest level: the last is the first that moves next to no frame.
constexpr Index kMaxRefreshes = 3;
constexpr double kSettledMoves = 0.01;
constexpr double kConvergedMoves = 0.2;
constexpr std::uint64_t kTurnStream = 0x7475726e;

bool settled(const Place& place, const Rung& rung, std::span<const Generation> history) {
  if (place.since < 2) return false;
  const Generation& now = history.back();
  const Generation& before = history[history.size() - 2];
  const bool steady = now.median_change_degrees * M_PI / 180 < 0.9 * rung.spacing;
  return steady && now.gain < before.gain + 0.02 * std::abs(now.gain);
}

}  // namespace

std::string to_string(Stage stage) {
  switch (stage) {
    case Stage::kCoarse:
      return "coarse";
    case Stage::kGlobal:
      return "global";
    case Stage::kLocal:
      return "local";
    case Stage::kRefresh:
      return "refresh";
  }
  return "";
}

std::vector<Rung> climb(const Scale& scale, const RunOptions& options) {
  std::vector<Rung> rungs;
  const auto needed = [&](double q) { return 1 / (q * scale.diameter); };
  double q = std::min(scale.qlimit, kFirstSpeckles / scale.diameter);
  for (; q < scale.qlimit / std::sqrt(kMarch); q *= kMarch) {
    rungs.push_back({Stage::kCoarse, q, kCoarseSpacing * needed(q)});
  }
  rungs.push_back({Stage::kCoarse, scale.qlimit, kCoarseSpacing * needed(scale.qlimit)});
  if (options.coarse_references > 0) rungs[0].spacing = spacing_of(options.coarse_references);
  rungs.push_back({Stage::kGlobal, scale.qlimit, kGlobalSpacing * needed(scale.qlimit)});
  for (const double level : kLevels) {
    rungs.push_back({Stage::kLocal, scale.qlimit, level * needed(scale.qlimit)});
  }
  return rungs;
}

Place next_place(const Place& place, std::span<const Rung> rungs,
                 std::span<const Generation> history, double moved, int max_generations) {
  Place next = place;
  const auto last = static_cast<Index>(rungs.size()) - 1;
  const Rung& rung = rungs[static_cast<std::size_t>(place.rung)];
  if (place.refresh) {
    next.refresh = false;
    ++next.refreshes;
    next.done = moved <= kSettledMoves || next.refreshes >= kMaxRefreshes;
    next.converged = next.done && moved <= kConvergedMoves;
    next.rung = std::max<Index>(last - 1, 0);
    next.since = 0;
    return next;
  }
  ++next.since;
  if (rung.stage == Stage::kLocal) {
    if (place.rung < last) {
      ++next.rung;
      next.since = 0;
    } else {
      next.refresh = true;
    }
    return next;
  }
  // A search that never settles still hands over: the levels show whether it found anything.
  const auto made = static_cast<int>(history.size());
  const auto left = static_cast<int>(last - place.rung) + 2 * static_cast<int>(kMaxRefreshes);
  if (settled(next, rung, history) || made + left >= max_generations) {
    ++next.rung;
    next.since = 0;
  }
  return next;
}

double beta_of(const Scale& scale, const RunOptions& options, int number) {
  const double photons = scale.counts ? std::max(scale.total, 1.0) : kPhotonsOfIntensities;
  const double start =
      options.beta > 0 ? options.beta : std::exp(-6.5 * std::pow(photons * 1e-5, 0.15));
  const int rises = number / std::max(options.beta_period, 1);
  const double beta = std::min(1.0, start * std::pow(options.beta_factor, rises));
  return scale.counts ? beta : beta * photons / scale.total;
}

std::vector<Quaternion> local_turns(double spacing, Index count, std::uint64_t seed,
                                    std::uint64_t generation) {
  std::vector<Quaternion> turns = {{1, 0, 0, 0}};
  compute::Random random(seed, kTurnStream, generation);
  while (static_cast<Index>(turns.size()) < count) {
    const double x = random.normal(), y = random.normal(), z = random.normal();
    turns.push_back(rotation_by({spacing * x, spacing * y, spacing * z}));
  }
  return turns;
}

}  // namespace unfold::spi
