#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"

/// Fourier modes of a centred volume, and the shells that they lie in.
namespace unfold::spi {

using compute::Index;

/// F[k] = sum_n v[n] exp(-2 pi i k.n / M); v and F [M^3], both centred at M / 2.
std::vector<std::complex<double>> spectrum_of(Index grid, std::span<const double> volume);
/// The inverse's real part.
std::vector<double> volume_of(Index grid, std::span<const std::complex<double>> spectrum);

struct Mode {
  std::int32_t k[3];
};

/// Modes within the sphere |k| < M / 2, one of each pair (k, -k), by shell round(|k|), within one
/// by |k|, and within a ring of equal |k| in row-major order.
class Shells {
 public:
  /// Shells `first` .. `last` only; of each every `stride`-th ring.
  Shells(Index grid, Index first, Index last, Index stride = 1);
  explicit Shells(Index grid) : Shells(grid, 0, grid / 2) {}

  Index grid() const { return grid_; }
  Index size() const { return static_cast<Index>(modes_.size()); }
  const Mode& mode(Index p) const { return modes_[static_cast<std::size_t>(p)]; }
  /// Where a mode, or its mirror image -k, lies in a centred volume.
  Index place(Index p) const;
  Index mirror(Index p) const;

  /// Shells first_shell() .. end_shell() - 1; modes begin(shell) .. end(shell) - 1 lie in one.
  Index first_shell() const { return first_; }
  Index end_shell() const { return first_ + static_cast<Index>(begin_.size()) - 1; }
  Index begin(Index shell) const { return begin_[static_cast<std::size_t>(shell - first_)]; }
  Index end(Index shell) const { return begin(shell + 1); }
  /// Where the ring that starts at mode p ends.
  Index ring_end(Index p) const;

 private:
  Index place_of(const Mode& mode, int sign) const;

  Index grid_, first_;
  std::vector<Mode> modes_;
  std::vector<Index> begin_;
};

/// Takes each ring's mean off values [P] on the modes of `shells`: what is left of a radial
/// function is 0, which a mean over a whole shell would not achieve.
void subtract_radial(const Shells& shells, std::span<double> values);

}  // namespace unfold::spi
