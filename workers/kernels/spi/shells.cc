#include <algorithm>
#include <cmath>
#include <numeric>

#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {
namespace {

/// One of each pair (k, -k), and 0.
bool leads_its_pair(const Mode& m) {
  if (m.k[0] != 0) return m.k[0] > 0;
  if (m.k[1] != 0) return m.k[1] > 0;
  return m.k[2] >= 0;
}

std::int32_t square_of(const Mode& m) {
  return m.k[0] * m.k[0] + m.k[1] * m.k[1] + m.k[2] * m.k[2];
}

}  // namespace

Shells::Shells(Index grid, Index first, Index last, Index stride) : grid_(grid), first_(first) {
  const auto reach = static_cast<std::int32_t>((grid - 1) / 2);
  std::vector<std::vector<Mode>> shells(static_cast<std::size_t>(last - first + 1));
  for (std::int32_t x = 0; x <= reach; ++x) {
    for (std::int32_t y = -reach; y <= reach; ++y) {
      for (std::int32_t z = -reach; z <= reach; ++z) {
        const Mode mode{{x, y, z}};
        const double r = std::sqrt(static_cast<double>(square_of(mode)));
        const auto shell = static_cast<Index>(std::lround(r));
        if (!leads_its_pair(mode) || shell < first || shell > last) continue;
        if (2 * r < static_cast<double>(grid)) {
          shells[static_cast<std::size_t>(shell - first)].push_back(mode);
        }
      }
    }
  }
  begin_.push_back(0);
  for (std::vector<Mode>& shell : shells) {
    std::stable_sort(shell.begin(), shell.end(),
                     [](const Mode& a, const Mode& b) { return square_of(a) < square_of(b); });
    Index ring = 0;
    for (std::size_t i = 0; i < shell.size(); ++i) {
      if (i > 0 && square_of(shell[i]) != square_of(shell[i - 1])) ++ring;
      if (ring % stride == 0) modes_.push_back(shell[i]);
    }
    begin_.push_back(size());
  }
}

Index Shells::ring_end(Index p) const {
  Index end = p + 1;
  while (end < size() && square_of(mode(end)) == square_of(mode(p))) ++end;
  return end;
}

Index Shells::place_of(const Mode& mode, int sign) const {
  Index at = 0;
  for (const std::int32_t k : mode.k) at = at * grid_ + sign * k + grid_ / 2;
  return at;
}
Index Shells::place(Index p) const { return place_of(mode(p), 1); }
Index Shells::mirror(Index p) const { return place_of(mode(p), -1); }

void subtract_radial(const Shells& shells, std::span<double> values) {
  for (Index p = 0, end = 0; p < shells.size(); p = end) {
    end = shells.ring_end(p);
    const auto ring =
        values.subspan(static_cast<std::size_t>(p), static_cast<std::size_t>(end - p));
    const double mean =
        std::accumulate(ring.begin(), ring.end(), 0.0) / static_cast<double>(ring.size());
    for (double& v : ring) v -= mean;
  }
}

}  // namespace unfold::spi
