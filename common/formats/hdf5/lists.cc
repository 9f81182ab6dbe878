#include <algorithm>
#include <cstring>
#include <limits>

#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/hdf5/state.h"

namespace unfold::hdf5 {
namespace {

constexpr auto kReference = static_cast<std::int64_t>(kReferenceBytes);

// Bytes of an element of the lists, 0 where they are no little-endian int32 or int64.
std::uint64_t element_bytes_of(hid_t dataset) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  if (H5Tget_class(type.id()) != H5T_VLEN || H5Tget_size(type.id()) != kReferenceBytes) return 0;
  const Handle element(H5Tget_super(type.id()), H5Tclose);
  if (H5Tequal(element.id(), H5T_STD_I32LE) > 0) return 4;
  return H5Tequal(element.id(), H5T_STD_I64LE) > 0 ? 8 : 0;
}

template <class T>
bool append(const std::vector<std::byte>& list, std::vector<std::int32_t>& out) {
  for (std::size_t at = 0; at < list.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, list.data() + at, sizeof(T));
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max()) {
      return false;
    }
    out.push_back(static_cast<std::int32_t>(value));
  }
  return true;
}

// The references of a contiguous dataset.
std::optional<std::vector<std::byte>> contiguous(hid_t dataset, const RawFile& file,
                                                 std::int64_t first, std::int64_t count) {
  const haddr_t offset = H5Dget_offset(dataset);
  if (offset == HADDR_UNDEF) return std::nullopt;
  return file.read(offset + static_cast<std::uint64_t>(first) * kReferenceBytes,
                   static_cast<std::uint64_t>(count) * kReferenceBytes);
}

// Those of a dataset in chunks that no filter touched.
absl::StatusOr<std::vector<std::byte>> from_chunks(const Dataset& dataset, std::int64_t first,
                                                   std::int64_t count) {
  std::vector<std::byte> out;
  const std::int64_t length = dataset.info().chunk[0];
  while (count > 0) {
    const std::int64_t begin = first / length * length;
    const std::int64_t skip = first - begin;
    const std::int64_t take = std::min(length - skip, count);
    UNFOLD_ASSIGN_OR_RETURN(Chunk chunk, dataset.chunk({begin}));
    const auto wanted = static_cast<std::size_t>(length) * kReferenceBytes;
    if (chunk.bytes.empty()) chunk.bytes.resize(wanted);
    if (chunk.bytes.size() != wanted) {
      return dataset.problem("BAD_STRUCTURE", "a chunk has another size", "copy the file again");
    }
    const auto from = chunk.bytes.begin() + static_cast<std::ptrdiff_t>(skip * kReference);
    out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(take * kReference));
    first += take;
    count -= take;
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<std::vector<std::int32_t>>> Dataset::lists(std::int64_t first,
                                                                      std::int64_t count) const {
  const bool inside = info().shape.size() == 1 && first >= 0 && count >= 0 &&
                      count <= info().shape[0] && first <= info().shape[0] - count;
  if (!inside) return problem("WRONG_SHAPE", "its shape is " + info().shape_text());
  if (!info().filters.empty()) {
    return problem("UNSUPPORTED_FILTER", "its lists are packed", "rewrite it (h5repack -f NONE)");
  }
  const Call call;
  const hid_t id = state_->dataset.id();
  const std::uint64_t width = element_bytes_of(id);
  if (width == 0) return problem("WRONG_TYPE", "it holds no lists of 32- or 64-bit integers");
  if (count == 0) return std::vector<std::vector<std::int32_t>>();
  const RawFile raw = state_->file->raw();
  std::vector<std::byte> references;
  if (info().chunk.empty()) {
    auto read = contiguous(id, raw, first, count);
    if (!read) return problem("BAD_STRUCTURE", "its lists lead astray", "copy the file again");
    references = *std::move(read);
  } else {
    UNFOLD_ASSIGN_OR_RETURN(references, from_chunks(*this, first, count));
  }
  const auto lists = lists_at(raw, references, width);
  if (!lists) return problem("BAD_STRUCTURE", "its lists lead astray", "copy the file again");
  std::vector<std::vector<std::int32_t>> out(lists->size());
  for (std::size_t i = 0; i < lists->size(); ++i) {
    const bool fits = width == 4 ? append<std::int32_t>((*lists)[i], out[i])
                                 : append<std::int64_t>((*lists)[i], out[i]);
    if (!fits) return problem("WRONG_TYPE", "a number is beyond 32 bits");
  }
  return out;
}

}  // namespace unfold::hdf5
