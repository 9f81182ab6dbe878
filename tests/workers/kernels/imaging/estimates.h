#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "tests/support/made_imaging.h"
#include "workers/kernels/imaging/em_solver.h"

namespace unfold::test {

inline void expect_finite(const imaging::Estimate& estimate) {
  for (const double x : estimate.image) {
    ASSERT_TRUE(std::isfinite(x));
    ASSERT_GE(x, 0);
  }
  for (const double a : estimate.amplitude) {
    ASSERT_TRUE(std::isfinite(a));
    ASSERT_GE(a, 0);
  }
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

inline double total(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0);
}

}  // namespace unfold::test
