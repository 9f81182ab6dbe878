#pragma once

#include <cstdint>

namespace unfold::simulate {

/// Random numbers as a pure function of (seed, stream, how many were drawn before), the same on
/// every machine: what a pixel or a fibre gets does not depend on who draws first. SplitMix64's
/// output function over a counter. Cheap to make; not thread safe, so each thread makes its own.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream);

  std::uint64_t bits();
  /// [0, 1), 53 bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Integer in [0, n), n > 0.
  std::int64_t below(std::int64_t n);
  /// Mean 0, variance 1 (Box and Muller's polar transform, both values used).
  double normal();
  /// Exact for all means >= 0: products of uniforms below 10, Hoermann's transformed rejection
  /// (PTRS, 1993) above.
  double poisson(double mean);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace unfold::simulate
