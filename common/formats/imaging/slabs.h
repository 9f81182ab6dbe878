#pragma once

#include <algorithm>
#include <cstdint>

#include "common/formats/hdf5/file.h"

namespace unfold::imaging_data {

/// Rows [first, first + count) of a dataset, all of the other axes.
inline hdf5::Slab rows_of(const hdf5::DatasetInfo& info, std::int64_t first, std::int64_t count) {
  hdf5::Slab out{std::vector<std::int64_t>(info.shape.size(), 0), info.shape};
  out.first.front() = first;
  out.count.front() = count;
  return out;
}

/// Rows to read at once: about 1 MiB as doubles, so that what is read is looked at while it is in
/// cache; whole chunks where there are chunks.
inline std::int64_t rows_at_once(const hdf5::DatasetInfo& info) {
  constexpr std::int64_t kNumbers = 1 << 17;
  const std::int64_t per_row =
      std::max<std::int64_t>(info.elements() / std::max<std::int64_t>(info.shape.front(), 1), 1);
  const std::int64_t rows = std::max<std::int64_t>(kNumbers / per_row, 1);
  if (info.chunk.empty()) return rows;
  const std::int64_t chunk = info.chunk.front();
  return std::max<std::int64_t>(rows / chunk, 1) * chunk;
}

}  // namespace unfold::imaging_data
