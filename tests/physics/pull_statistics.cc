#include "tests/physics/pull_statistics.h"

#include <algorithm>
#include <cmath>

namespace unfold::physics {

double Moments::mean() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }

double Moments::deviation() const {
  if (count_ == 0) return 0;
  return std::sqrt(std::max(0.0, squares_ / static_cast<double>(count_) - mean() * mean()));
}

double Moments::mean_error() const { return 1 / std::sqrt(std::max<double>(1, double(count_))); }

double Moments::deviation_error() const { return mean_error() / std::sqrt(2.0); }

double Correlation::value() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }

double Correlation::error() const { return 1 / std::sqrt(std::max<double>(1, double(count_))); }

}  // namespace unfold::physics
