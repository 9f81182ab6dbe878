#include "common/simulate/random.h"

#include <cmath>
#include <numbers>

namespace unfold::simulate {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;

std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// ln k!: a sum below 10, Stirling's series above (error below 1e-10 there).
double log_factorial(double k) {
  if (k < 10) {
    double sum = 0;
    for (int i = 2; i <= static_cast<int>(k); ++i) sum += std::log(i);
    return sum;
  }
  const double n = k + 1;
  const double inverse = 1 / n;
  const double square = inverse * inverse;
  const double series = inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260)));
  return (n - 0.5) * std::log(n) - n + 0.5 * std::log(2 * std::numbers::pi) + series;
}

}  // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream)
    : key_(mixed(mixed(seed + kGolden) ^ (stream * 0xd1342543de82ef95u + 1))) {}

std::uint64_t Random::bits() { return mixed(key_ + kGolden * ++counter_); }

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

std::int64_t Random::below(std::int64_t n) {
  return static_cast<std::int64_t>(uniform() * static_cast<double>(n));
}

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double x = 0;
  double y = 0;
  double square = 0;
  do {
    x = uniform(-1, 1);
    y = uniform(-1, 1);
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  spare_ = y * factor;
  has_spare_ = true;
  return x * factor;
}

double Random::poisson(double mean) {
  if (mean < 10) {
    const double limit = std::exp(-mean);
    double k = 0;
    for (double product = uniform(); product > limit; product *= uniform()) ++k;
    return k;
  }
  const double b = 0.931 + 2.53 * std::sqrt(mean);
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double v_accept = 0.9277 - 3.6224 / (b - 2);
  const double log_mean = std::log(mean);
  while (true) {
    const double u = uniform() - 0.5;
    const double v = uniform();
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_accept) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <=
        k * log_mean - mean - log_factorial(k)) {
      return k;
    }
  }
}

}  // namespace unfold::simulate
