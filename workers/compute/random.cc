#include "workers/compute/random.h"

#include <algorithm>
#include <cmath>

namespace unfold::compute {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr double kTwoPi = 6.283185307179586;

/// ln(n!). std::lgamma writes a global sign.
double log_factorial(double n) {
  if (n < 16) {
    double product = 1;
    for (double i = 2; i <= n; ++i) product *= i;
    return std::log(product);
  }
  const double x = n + 1, inverse = 1 / (x * x);
  return (x - 0.5) * std::log(x) - x + 0.91893853320467274 +
         (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse / 1680))) / x;
}

/// p <= 1/2 and n p < 10: the terms of the distribution, one after another.
std::int64_t binomial_by_inversion(Random& random, std::int64_t n, double p) {
  const double odds = p / (1 - p), trials = static_cast<double>(n);
  double term = std::exp(trials * std::log1p(-p)), left = random.uniform() - term;
  std::int64_t k = 0;
  while (left > 0 && k < n) {
    const double next = static_cast<double>(++k);
    term *= (trials - next + 1) / next * odds;
    left -= term;
    if (term == 0) break;
  }
  return k;
}

/// p <= 1/2 and n p >= 10.
std::int64_t binomial_by_rejection(Random& random, std::int64_t n, double p) {
  const double trials = static_cast<double>(n), q = 1 - p;
  const double spread = std::sqrt(trials * p * q);
  const double b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double centre = trials * p + 0.5, v_r = 0.92 - 4.2 / b;
  const double alpha = (2.83 + 5.1 / b) * spread, log_odds = std::log(p / q);
  const double mode = std::floor((trials + 1) * p);
  const double at_mode = log_factorial(mode) + log_factorial(trials - mode);
  while (true) {
    const double v = random.uniform(), u = random.uniform() - 0.5;
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + centre);
    if (k < 0 || k > trials) continue;
    if (us >= 0.07 && v <= v_r) return static_cast<std::int64_t>(k);
    const double log_v = std::log(v * alpha / (a / (us * us) + b));
    if (log_v <= at_mode - log_factorial(k) - log_factorial(trials - k) + (k - mode) * log_odds) {
      return static_cast<std::int64_t>(k);
    }
  }
}

std::int64_t poisson_by_inversion(Random& random, double mean) {
  double term = std::exp(-mean), left = random.uniform() - term;
  std::int64_t k = 0;
  while (left > 0 && term > 0) {
    term *= mean / static_cast<double>(++k);
    left -= term;
  }
  return k;
}

/// mean >= 10.
std::int64_t poisson_by_rejection(Random& random, double mean) {
  const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  const double log_mean = std::log(mean);
  while (true) {
    const double u = random.uniform() - 0.5, v = random.uniform();
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return static_cast<std::int64_t>(k);
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <=
        k * log_mean - mean - log_factorial(k)) {
      return static_cast<std::int64_t>(k);
    }
  }
}

}  // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream, std::uint64_t place)
    : key_(mix(mix(mix(seed + kGolden) + stream + kGolden) + place + kGolden)) {}

std::uint64_t Random::bits() { return mix(key_ + kGolden * ++counter_); }

double Random::uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }

std::int64_t Random::binomial(std::int64_t n, double p) {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(n, 1 - p);
  return static_cast<double>(n) * p < 10 ? binomial_by_inversion(*this, n, p)
                                         : binomial_by_rejection(*this, n, p);
}

std::int64_t Random::poisson(double mean) {
  if (!(mean > 0)) return 0;
  return mean < 10 ? poisson_by_inversion(*this, mean) : poisson_by_rejection(*this, mean);
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(kTwoPi * uniform());
}

}  // namespace unfold::compute
