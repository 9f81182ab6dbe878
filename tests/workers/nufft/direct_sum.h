#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "workers/compute/random.h"
#include "workers/nufft/nufft.h"

/// What a NUFFT stands for, written out in double.
namespace unfold::test {

using nufft::Index;
using nufft::Modes;
using Complexes = std::vector<std::complex<double>>;

inline Index size_of(const Modes& modes) { return modes[0] * modes[1] * modes[2]; }

/// Calls visit(i, p, exp(sign i k.x_p)) for every mode k = mode i and point p; x [P, 3].
template <class Visit>
void each_term(const Modes& modes, const std::vector<double>& x, int sign, const Visit& visit) {
  for (std::size_t p = 0; p < x.size() / 3; ++p) {
    Complexes wave[3];
    for (std::size_t d = 0; d < 3; ++d)
      for (Index k = -(modes[d] / 2); k < modes[d] - modes[d] / 2; ++k)
        wave[d].push_back(std::polar(1.0, sign * static_cast<double>(k) * x[3 * p + d]));
    std::size_t i = 0;
    for (const auto& a : wave[0])
      for (const auto& b : wave[1])
        for (const auto& c : wave[2]) visit(i++, p, a * b * c);
  }
}

/// f[k] = sum_p c[p] exp(sign i k.x_p).
inline Complexes direct_type1(const Modes& modes, const std::vector<double>& x, const Complexes& c,
                              int sign) {
  Complexes f(static_cast<std::size_t>(size_of(modes)));
  each_term(modes, x, sign,
            [&](std::size_t i, std::size_t p, std::complex<double> wave) { f[i] += c[p] * wave; });
  return f;
}

/// c[p] = sum_k f[k] exp(sign i k.x_p).
inline Complexes direct_type2(const Modes& modes, const std::vector<double>& x, const Complexes& f,
                              int sign) {
  Complexes c(x.size() / 3);
  each_term(modes, x, sign,
            [&](std::size_t i, std::size_t p, std::complex<double> wave) { c[p] += f[i] * wave; });
  return c;
}

/// P points uniform in [-pi, pi)^3, representable in Real.
template <class Real>
std::vector<Real> uniform_points(Index count, std::uint64_t seed) {
  std::vector<Real> x;
  compute::Random random(seed, 0, 0);
  for (Index i = 0; i < 3 * count; ++i)
    x.push_back(static_cast<Real>((2 * random.uniform() - 1) * 3.14159265358979));
  return x;
}

template <class Value>
std::vector<Value> normal_values(Index count, std::uint64_t seed) {
  std::vector<Value> values;
  compute::Random random(seed, 1, 0);
  for (Index i = 0; i < count; ++i) {
    if constexpr (std::is_floating_point_v<Value>) {
      values.push_back(static_cast<Value>(random.normal()));
    } else {
      const double re = random.normal(), im = random.normal();
      values.push_back({static_cast<typename Value::value_type>(re),
                        static_cast<typename Value::value_type>(im)});
    }
  }
  return values;
}

template <class From>
std::vector<double> widened(const std::vector<From>& v) {
  return {v.begin(), v.end()};
}
template <class Real>
Complexes widened(const std::vector<std::complex<Real>>& v) {
  return {v.begin(), v.end()};
}

struct Errors {
  double l2, largest;  ///< relative to the l2 norm, and to the largest value
};

template <class Value>
double norm_of(const std::vector<Value>& values) {
  double square = 0;
  for (const Value& v : values) square += std::norm(static_cast<std::complex<double>>(v));
  return std::sqrt(square);
}

/// Of `got` (real or complex), against `exact` or its real part. An output is about as large as the
/// norm of the input: what a few outputs lack of it, because they happen to cancel, is no error.
template <class Value>
Errors errors_of(const std::vector<Value>& got, const Complexes& exact, double input_norm) {
  double difference = 0, norm = 0, worst = 0, largest = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    std::complex<double> right = exact[i];
    if constexpr (std::is_floating_point_v<Value>) right = right.real();
    const double error = std::abs(static_cast<std::complex<double>>(got[i]) - right);
    difference += error * error;
    norm += std::norm(right);
    worst = std::max(worst, error);
    largest = std::max(largest, std::abs(right));
  }
  norm = std::max(norm, input_norm * input_norm * static_cast<double>(exact.size()));
  largest = std::max(largest, input_norm);
  if (norm == 0) return {std::sqrt(difference), worst};
  return {std::sqrt(difference / norm), worst / largest};
}

/// The plan and its arrays, as vectors.
template <class Real>
struct Transform {
  using Complex = std::complex<Real>;

  Modes modes;
  nufft::Plan<Real> plan;

  Transform(compute::Cpu& cpu, const Modes& m, const nufft::Options& options,
            const std::vector<Real>& x)
      : modes(m), plan(cpu, m, options) {
    plan.set_points({x.data(), static_cast<Index>(x.size()) / 3, 3});
  }
  template <class T>
  nufft::View<T, 3> cube(T* data) const {
    return {data, modes[0], modes[1], modes[2]};
  }
  std::vector<Complex> type1(const std::vector<Complex>& c, int sign = +1) {
    std::vector<Complex> f(static_cast<std::size_t>(size_of(modes)));
    plan.type1({c.data(), static_cast<Index>(c.size())}, cube(f.data()), sign);
    return f;
  }
  std::vector<Complex> type2(const std::vector<Complex>& f, int sign = -1) {
    std::vector<Complex> c(static_cast<std::size_t>(plan.points()));
    plan.type2(cube(f.data()), {c.data(), plan.points()}, sign);
    return c;
  }
  std::vector<Real> cosine1(const std::vector<Real>& c) {
    std::vector<Real> f(static_cast<std::size_t>(size_of(modes)));
    plan.cosine1({c.data(), static_cast<Index>(c.size())}, cube(f.data()));
    return f;
  }
  std::vector<Real> cosine2(const std::vector<Real>& f) {
    std::vector<Real> c(static_cast<std::size_t>(plan.points()));
    plan.cosine2(cube(f.data()), {c.data(), plan.points()});
    return c;
  }
};

}  // namespace unfold::test
