#pragma once

#include <cstddef>

namespace unfold::simulate {

/// Place of (row, column) in an array of `columns` columns, without overflow on the way.
constexpr std::size_t row_major(int row, int columns, int column = 0) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
         static_cast<std::size_t>(column);
}

}  // namespace unfold::simulate
