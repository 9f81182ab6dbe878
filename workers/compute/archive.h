#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "workers/compute/view.h"

namespace unfold::compute {

/// Writes lists of numbers one after another, each with its length, for Archive to read back.
class ArchiveWriter {
 public:
  void put(double value) { numbers_.push_back(value); }
  void put(Index value) { numbers_.push_back(static_cast<double>(value)); }
  template <class T>
  void put(const std::vector<T>& values) {
    put(static_cast<Index>(values.size()));
    for (const T& value : values) numbers_.push_back(static_cast<double>(value));
  }
  std::vector<double> take() && { return std::move(numbers_); }

 private:
  std::vector<double> numbers_;
};

/// Reads what an ArchiveWriter wrote, in the same order. Throws std::invalid_argument where the
/// numbers end early: a checkpoint of something else.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::span<const double> numbers) : rest_(numbers) {}

  double number() { return take(1)[0]; }
  Index index() { return static_cast<Index>(number()); }
  template <class T = double>
  std::vector<T> list() {
    const Index size = index();
    if (size < 0) throw std::invalid_argument("the checkpoint is damaged");
    std::vector<T> out;
    for (const double value : take(static_cast<std::size_t>(size))) {
      out.push_back(static_cast<T>(value));
    }
    return out;
  }

 private:
  std::span<const double> take(std::size_t n) {
    if (n > rest_.size()) throw std::invalid_argument("the checkpoint ends early");
    const auto out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }
  std::span<const double> rest_;
};

}  // namespace unfold::compute
