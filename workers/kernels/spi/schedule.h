#pragma once

#include <span>
#include <string>
#include <vector>

#include "workers/kernels/spi/run.h"

/// What each generation of a run does, decided from what the earlier ones showed: pure functions.
namespace unfold::spi {

/// Numbers of the data that the schedule follows from.
struct Scale {
  double qlimit = 0;    ///< 1/Angstrom: matching never looks further
  double diameter = 0;  ///< Angstrom
  double total = 0;     ///< median sum of a frame over the pixels that are matched
  bool counts = true;   ///< photons; else intensities of any unit, taken as free of noise
};

enum class Stage { kCoarse, kGlobal, kLocal, kRefresh };
std::string to_string(Stage stage);  ///< "coarse", "global", "local", "refresh"

/// One rung of the climb in resolution and angle.
struct Rung {
  Stage stage;
  double qlimit;   ///< 1/Angstrom
  double spacing;  ///< radians between references, or the reach of a local search
};

/// Coarse rungs with growing resolution, global ones with denser references, then local levels.
/// The angles follow d / D: what a speckle of size 1 / D spans at resolution d.
std::vector<Rung> climb(const Scale& scale, const RunOptions& options);

/// Where a run stands. Plain numbers: they are stored.
struct Place {
  Index rung = 0;
  Index since = 0;       ///< generations made on this rung
  Index refreshes = 0;   ///< global passes made after the finest level
  bool refresh = false;  ///< the next generation is such a pass
  bool done = false;
  bool converged = false;  ///< done, and the last global pass moved few frames
};

/// The place after `history`, whose last generation was made at `place`. `moved`: share of frames
/// that a refresh took to another basin.
Place next_place(const Place& place, std::span<const Rung> rungs,
                 std::span<const Generation> history, double moved, int max_generations);

/// Posterior's inverse temperature in generation `number` of a global search: rises from
/// options.beta or, at 0, from what the photons ask for, to 1. Intensities are annealed as if a
/// frame held a thousand photons: taking the best at once freezes early mistakes.
double beta_of(const Scale& scale, const RunOptions& options, int number);

/// `count` turns for a local search of reach `spacing` radians; the first is the identity.
std::vector<Quaternion> local_turns(double spacing, Index count, std::uint64_t seed,
                                    std::uint64_t generation);

}  // namespace unfold::spi
