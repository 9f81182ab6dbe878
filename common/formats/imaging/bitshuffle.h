#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace unfold::imaging_data {

/// Undoes HDF5's filter 32008 (bitshuffle with LZ4) on one chunk: 8 bytes big-endian length, 4
/// bytes big-endian bytes of a block, then for each block 4 bytes big-endian length and LZ4; within
/// a block of n elements bit b of all elements lies together, n/8 bytes, first element lowest.
/// Fewer than 8 elements at the end are stored as they are. Every length is checked.
///
/// `out` is as long as what the chunk must hold, whole elements. Returns what is
/// wrong, or an empty text.
std::string undo_bitshuffle_lz4(std::span<const std::byte> stored, std::size_t element_bytes,
                                std::span<std::byte> out);

}  // namespace unfold::imaging_data
