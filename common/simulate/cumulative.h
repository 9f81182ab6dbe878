#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace unfold::simulate {

/// Rows of weights, ready to draw from. Running sums in fp32: shares are right within 1e-7.
struct Cumulative {
  std::size_t columns = 0;
  std::vector<float> sums;    ///< [rows, columns] of shares, the last is 1; 0 in an empty row
  std::vector<double> total;  ///< [rows]

  /// The column that holds `uniform` (0 .. 1) of a row that is not empty.
  std::int32_t draw(std::size_t row, double uniform) const {
    const auto begin = sums.begin() + static_cast<std::ptrdiff_t>(row * columns);
    const auto end = begin + static_cast<std::ptrdiff_t>(columns);
    // Never rounded up to 1, which would name a last column that may weigh nothing.
    const float share = std::min(static_cast<float>(uniform), 0x1.fffffep-1F);
    return static_cast<std::int32_t>(std::upper_bound(begin, end, share) - begin);
  }
};

template <class Value>
Cumulative cumulative(const std::vector<Value>& weights, std::size_t columns) {
  Cumulative result;
  result.columns = columns;
  result.sums.resize(weights.size());
  for (std::size_t begin = 0; begin < weights.size(); begin += columns) {
    double total = 0;
    for (std::size_t d = 0; d < columns; ++d) total += static_cast<double>(weights[begin + d]);
    result.total.push_back(total);
    double sum = 0;
    for (std::size_t d = 0; d < columns && total > 0; ++d) {
      sum += static_cast<double>(weights[begin + d]);
      result.sums[begin + d] = static_cast<float>(sum / total);
    }
  }
  return result;
}

}  // namespace unfold::simulate
