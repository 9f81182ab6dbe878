#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/run.h"

/// Two disjoint halves of the frames, and how what was made of each is brought together.
namespace unfold::spi {

struct Split {
  std::vector<Index> member[2];    ///< frames of each half, rising
  std::vector<std::uint8_t> half;  ///< [N] 0 or 1
};
/// Shuffled by `seed`, then dealt out in turn.
Split split_frames(Index frames, std::uint64_t seed);

/// Seeds of independent runs, from one.
std::uint64_t seed_of_part(std::uint64_t seed, std::uint64_t part);

/// Conformation c of half 1 is conformation partner[c] of half 2, turned by onto_first[c].
struct Pairing {
  std::vector<std::int32_t> partner;  ///< [C]
  std::vector<Alignment> onto_first;  ///< [C] of the merged intensities: rotation only
};
/// Every conformation against every one; the best pair first.
Pairing pair_halves(compute::Cpu& cpu, Index grid, const Estimate& first, const Estimate& second);

/// All frames as half 1 sees them.
struct Joined {
  std::vector<Quaternion> orientation;
  std::vector<std::int32_t> conformation;
  std::vector<double> fluence;
  std::vector<std::uint8_t> non_hit;
};
Joined join_halves(const Split& split, const Estimate& first, const Estimate& second,
                   const Pairing& pairing);

}  // namespace unfold::spi
