#include "common/formats/imaging/shuffled_counts.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/bitshuffle.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMaxChunkBytes = std::int64_t{1} << 30;
constexpr std::size_t kCompression = 4;  // place in the filter's values
constexpr unsigned kLz4 = 2;

absl::Status check(const hdf5::Dataset& counts) {
  const hdf5::DatasetInfo& info = counts.info();
  const hdf5::Filter& filter = info.filters.front();
  const bool lz4 = filter.values.size() > kCompression && filter.values[kCompression] == kLz4;
  if (info.filters.size() != 1 || !lz4) {
    return counts.problem("UNSUPPORTED_FILTER",
                          info.filters.size() != 1
                              ? "it is packed by filter 32008 (bitshuffle) and others"
                              : "it is packed by filter 32008 (bitshuffle) without LZ4",
                          "rewrite it with bitshuffle and LZ4, or with deflate");
  }
  if (info.kind != hdf5::Kind::kInteger || info.is_signed || info.element_bytes > 4) {
    return counts.problem("WRONG_TYPE", "it is not of unsigned integers of at most 32 bits");
  }
  bool whole_rows = info.shape.size() > 2 && info.chunk.size() == info.shape.size();
  std::int64_t bytes = info.element_bytes;
  for (std::size_t i = 0; whole_rows && i < info.chunk.size(); ++i) {
    whole_rows = info.chunk[i] >= 1 && (i < 2 || info.chunk[i] == info.shape[i]) &&
                 bytes <= kMaxChunkBytes / info.chunk[i];
    if (whole_rows) bytes *= info.chunk[i];
  }
  if (whole_rows) return absl::OkStatus();
  return counts.problem("WRONG_SHAPE", "its chunks are not whole [Em, Phi, PsiChi] below 1 GiB",
                        "rewrite it with chunks of one NuLambda and one Ei");
}

}  // namespace

bool is_shuffled(const hdf5::DatasetInfo& info) {
  return std::any_of(info.filters.begin(), info.filters.end(),
                     [](const hdf5::Filter& filter) { return filter.id == hdf5::kBitshuffle; });
}

absl::StatusOr<ShuffledCounts> ShuffledCounts::open(hdf5::Dataset counts) {
  UNFOLD_RETURN_IF_ERROR(check(counts));
  ShuffledCounts out(std::move(counts));
  const std::vector<std::int64_t>& shape = out.counts_.info().shape;
  out.row_ = 1;
  for (std::size_t i = 2; i < shape.size(); ++i) out.row_ *= shape[i];
  return out;
}

absl::Status ShuffledCounts::load(std::int64_t pixel, std::int64_t energy) {
  const hdf5::DatasetInfo& info = counts_.info();
  const std::int64_t begin[2] = {pixel - pixel % info.chunk[0], energy - energy % info.chunk[1]};
  if (loaded_[0] == begin[0] && loaded_[1] == begin[1]) return absl::OkStatus();
  std::vector<std::int64_t> first(info.shape.size(), 0);
  first[0] = begin[0];
  first[1] = begin[1];
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Chunk chunk, counts_.chunk(first));
  const auto bytes = static_cast<std::size_t>(info.chunk[0] * info.chunk[1] * row_) *
                     static_cast<std::size_t>(info.element_bytes);
  elements_.assign(bytes, std::byte{0});
  if (!chunk.bytes.empty()) {
    std::string why;
    if ((chunk.filter_mask & 1) == 0) {
      why =
          undo_bitshuffle_lz4(chunk.bytes, static_cast<std::size_t>(info.element_bytes), elements_);
    } else if (chunk.bytes.size() == bytes) {
      std::copy(chunk.bytes.begin(), chunk.bytes.end(), elements_.begin());
    } else {
      why = "a chunk has a wrong length";
    }
    if (!why.empty()) {
      return counts_.problem("BAD_STRUCTURE",
                             absl::StrCat(why, " (NuLambda ", begin[0], ", Ei ", begin[1], ")"),
                             "copy the file again");
    }
  }
  loaded_[0] = begin[0];
  loaded_[1] = begin[1];
  return absl::OkStatus();
}

absl::Status ShuffledCounts::read(std::int64_t first, std::span<double> out) {
  const hdf5::DatasetInfo& info = counts_.info();
  const auto item = static_cast<std::size_t>(info.element_bytes);
  for (std::int64_t row = first; !out.empty(); ++row) {
    const std::int64_t pixel = row / info.shape[1];
    const std::int64_t energy = row % info.shape[1];
    UNFOLD_RETURN_IF_ERROR(load(pixel, energy));
    const std::int64_t in_chunk = (pixel - loaded_[0]) * info.chunk[1] + (energy - loaded_[1]);
    const std::byte* from = elements_.data() + static_cast<std::size_t>(in_chunk * row_) * item;
    for (std::int64_t i = 0; i < row_; ++i) {
      std::uint32_t value = 0;  // little-endian, in the file as here
      std::memcpy(&value, from + static_cast<std::size_t>(i) * item, item);
      out[static_cast<std::size_t>(i)] = value;
    }
    out = out.subspan(static_cast<std::size_t>(row_));
  }
  return absl::OkStatus();
}

}  // namespace unfold::imaging_data
