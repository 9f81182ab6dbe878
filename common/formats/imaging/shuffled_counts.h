#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"

namespace unfold::imaging_data {

/// Rows of an integer dataset [pixels, energies, ...] packed by filter 32008 (bitshuffle, LZ4), of
/// which each chunk holds whole rows (all of the axes after the second). Keeps the chunk it read
/// last. One thread at a time.
class ShuffledCounts {
 public:
  /// UNSUPPORTED_FILTER (no LZ4, or further filters), WRONG_SHAPE (other chunks), WRONG_TYPE.
  static absl::StatusOr<ShuffledCounts> open(hdf5::Dataset counts);

  /// Rows (pixel, energy), energies fastest, from `first`.
  absl::Status read(std::int64_t first, std::span<double> out);

 private:
  explicit ShuffledCounts(hdf5::Dataset counts) : counts_(std::move(counts)) {}
  absl::Status load(std::int64_t pixel, std::int64_t energy);

  hdf5::Dataset counts_;
  std::int64_t row_ = 0;               // elements of a row
  std::int64_t loaded_[2] = {-1, -1};  // where the chunk begins
  std::vector<std::byte> elements_;
};

/// True where the filters of a dataset are those that ShuffledCounts undoes, or claim to be.
bool is_shuffled(const hdf5::DatasetInfo& info);

}  // namespace unfold::imaging_data
