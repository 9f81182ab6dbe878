#pragma once

#include <cstdint>

#include "common/base/clock.h"
#include "common/base/ids.h"

namespace unfold::simulation {

/// SplitMix64: the same numbers for a seed on every platform (std distributions are not).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  double real() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double probability) { return real() < probability; }
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }
  Duration between(Duration low, Duration high) {
    return low +
           Duration(static_cast<std::int64_t>(real() * static_cast<double>((high - low).count())));
  }

 private:
  std::uint64_t state_;
};

class RandomIds final : public IdSource {
 public:
  explicit RandomIds(std::uint64_t seed) : random_(seed) {}
  std::string uuid() override {
    std::string id;
    for (int i = 0; i < 32; ++i) id += "0123456789abcdef"[random_.below(16)];
    return id;
  }

 private:
  Random random_;
};

}  // namespace unfold::simulation
