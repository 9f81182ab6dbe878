#pragma once

#include <cstdint>

namespace unfold::physics {

/// Running moments of pulls.
class Moments {
 public:
  void add(double value) {
    ++count_;
    sum_ += value;
    squares_ += value * value;
  }
  std::int64_t count() const { return count_; }
  double mean() const;
  double deviation() const;        ///< standard deviation
  double mean_error() const;       ///< one sigma, of independent pulls
  double deviation_error() const;  ///< likewise

 private:
  std::int64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

/// Running mean product of pairs whose members have mean 0 and variance 1.
class Correlation {
 public:
  void add(double a, double b) {
    ++count_;
    sum_ += a * b;
  }
  std::int64_t count() const { return count_; }
  double value() const;
  double error() const;  ///< one sigma, of uncorrelated pairs

 private:
  std::int64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace unfold::physics
