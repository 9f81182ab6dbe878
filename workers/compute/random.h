#pragma once

#include <cstdint>

namespace unfold::compute {

/// Random numbers as a pure function of (seed, stream, place, how many were drawn before): what an
/// event gets depends neither on the number of threads nor on which events were drawn before it.
/// An image gets its noise, a start its phases the same way. SplitMix64's output function over a
/// counter. Cheap to make; not thread safe.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream, std::uint64_t place);

  std::uint64_t bits();
  /// (0, 1), 53 bits.
  double uniform();
  /// Standard normal (Box and Muller, both of each pair thrown away but one: a draw has no memory).
  double normal();

  /// Successes among n trials of probability p; exact for every n that a double holds: the
  /// inverse of the distribution where n min(p, 1 - p) < 10, else Hoermann's transformed rejection
  /// (BTRS, 1993).
  std::int64_t binomial(std::int64_t n, double p);
  /// Exact for every mean >= 0: the inverse below 10, else Hoermann's transformed rejection (PTRS,
  /// 1993).
  std::int64_t poisson(double mean);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace unfold::compute
