#include "workers/kernels/spi/halves.h"

#include <algorithm>
#include <numeric>

#include "workers/compute/random.h"

namespace unfold::spi {
namespace {

constexpr std::uint64_t kSplitStream = 0x73706c6974, kSeedStream = 0x73656564;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Split split_frames(Index frames, std::uint64_t seed) {
  std::vector<std::uint64_t> key;
  for (Index i = 0; i < frames; ++i) {
    key.push_back(compute::Random(seed, kSplitStream, static_cast<std::uint64_t>(i)).bits());
  }
  std::vector<Index> order(at(frames));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return key[at(a)] < key[at(b)]; });
  Split split;
  split.half.resize(at(frames));
  for (std::size_t place = 0; place < order.size(); ++place) {
    split.half[at(order[place])] = static_cast<std::uint8_t>(place % 2);
  }
  for (Index i = 0; i < frames; ++i) split.member[split.half[at(i)]].push_back(i);
  return split;
}

std::uint64_t seed_of_part(std::uint64_t seed, std::uint64_t part) {
  return compute::Random(seed, kSeedStream, part).bits() >> 12;  // exact in a double
}

Pairing pair_halves(compute::Cpu& cpu, Index grid, const Estimate& first, const Estimate& second) {
  const std::size_t count = first.autocorrelation.size();
  struct Pair {
    std::size_t a, b;
    Alignment alignment;
  };
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < count; ++b) {
      pairs.push_back(
          {a, b,
           align_intensities(cpu, grid, first.autocorrelation[a], second.autocorrelation[b])});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& x, const Pair& y) {
    return x.alignment.correlation > y.alignment.correlation;
  });
  Pairing out{std::vector<std::int32_t>(count, -1), std::vector<Alignment>(count)};
  std::vector<std::uint8_t> taken(count, 0);
  for (const Pair& pair : pairs) {
    if (out.partner[pair.a] >= 0 || taken[pair.b] != 0) continue;
    out.partner[pair.a] = static_cast<std::int32_t>(pair.b);
    out.onto_first[pair.a] = pair.alignment;
    taken[pair.b] = 1;
  }
  return out;
}

Joined join_halves(const Split& split, const Estimate& first, const Estimate& second,
                   const Pairing& pairing) {
  const std::size_t n = split.half.size();
  Joined out{std::vector<Quaternion>(n), std::vector<std::int32_t>(n), std::vector<double>(n),
             std::vector<std::uint8_t>(n)};
  std::vector<std::int32_t> name(pairing.partner.size());  // half 2's conformations in half 1
  for (std::size_t c = 0; c < name.size(); ++c) {
    name[static_cast<std::size_t>(pairing.partner[c])] = static_cast<std::int32_t>(c);
  }
  for (std::size_t h = 0; h < 2; ++h) {
    const Estimate& from = h == 0 ? first : second;
    for (std::size_t i = 0; i < split.member[h].size(); ++i) {
      const std::size_t frame = at(split.member[h][i]);
      out.orientation[frame] = from.orientation[i];
      out.conformation[frame] = from.conformation[i];
      out.fluence[frame] = from.fluence[i];
      out.non_hit[frame] = from.non_hit[i];
      if (h == 0) continue;
      // Position R^T q in half 2 lies at A R^T q in half 1, A its rotation onto half 1.
      const std::int32_t c = name[static_cast<std::size_t>(from.conformation[i])];
      const Quaternion& turn = pairing.onto_first[static_cast<std::size_t>(c)].rotation;
      out.orientation[frame] = multiply(from.orientation[i], conjugate(turn));
      out.conformation[frame] = c;
    }
  }
  return out;
}

}  // namespace unfold::spi
