#pragma once

#include <span>
#include <stdexcept>
#include <vector>

#include "workers/kernels/imaging/data_term.h"

namespace unfold::imaging {

/// Numbers in, the same numbers out: what save() and restore() share. An object lists its state
/// once, in one function template that takes either.
class Saver {
 public:
  void operator()(std::span<const double> values) {
    out_.insert(out_.end(), values.begin(), values.end());
  }
  void operator()(double value) { out_.push_back(value); }
  void operator()(Index value) { out_.push_back(static_cast<double>(value)); }
  std::vector<double> take() { return std::move(out_); }

 private:
  std::vector<double> out_;
};

/// Throws std::invalid_argument where the saved numbers are fewer or more than the state.
class Restorer {
 public:
  explicit Restorer(std::span<const double> saved) : left_(saved) {}
  void operator()(std::span<double> values) {
    for (double& value : values) value = next();
  }
  void operator()(double& value) { value = next(); }
  void operator()(Index& value) {
    const double number = next();
    if (!(number >= 0 && number < 1e15)) {
      throw std::invalid_argument("a saved state that holds no count where one belongs");
    }
    value = static_cast<Index>(number);
  }
  void expect_end() const {
    if (!left_.empty()) throw std::invalid_argument("a saved state of another problem");
  }

 private:
  double next() {
    if (left_.empty()) throw std::invalid_argument("a saved state of another problem");
    const double value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  std::span<const double> left_;
};

}  // namespace unfold::imaging
