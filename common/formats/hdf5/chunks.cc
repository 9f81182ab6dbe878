#include "common/formats/hdf5/chunks.h"

#include <algorithm>
#include <cstring>

#include "common/formats/hdf5/library.h"

namespace unfold::hdf5 {
namespace {

constexpr std::size_t kMostKept = std::size_t{32} << 20;  // bytes

using Place = std::vector<std::int64_t>;

// The next place of a box, last axis fastest; false after the last one.
bool advance(Place& at, const Place& first, const Place& step, const Place& end) {
  for (std::size_t axis = at.size(); axis-- > 0;) {
    at[axis] += step[axis];
    if (at[axis] < end[axis]) return true;
    at[axis] = first[axis];
  }
  return false;
}

std::int64_t flat(const Place& at, const Place& origin, const Place& shape) {
  std::int64_t out = 0;
  for (std::size_t axis = 0; axis < at.size(); ++axis) {
    out = out * shape[axis] + at[axis] - origin[axis];
  }
  return out;
}

// What chunk (at `corner`) and box have in common, copied row by row.
void copy_common(const std::byte* values, const Place& corner, const Place& chunk, const Slab& slab,
                 std::size_t element, std::byte* out) {
  const std::size_t rank = corner.size();
  Place from(rank);
  Place end(rank);
  Place step(rank, 1);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    from[axis] = std::max(corner[axis], slab.first[axis]);
    end[axis] = std::min(corner[axis] + chunk[axis], slab.first[axis] + slab.count[axis]);
  }
  step[rank - 1] = end[rank - 1] - from[rank - 1];  // a row at once
  const std::size_t row = static_cast<std::size_t>(step[rank - 1]) * element;
  Place at = from;
  do {
    const auto source = static_cast<std::size_t>(flat(at, corner, chunk)) * element;
    const auto target = static_cast<std::size_t>(flat(at, slab.first, slab.count)) * element;
    std::memcpy(out + target, values + source, row);
  } while (advance(at, from, step, end));
}

}  // namespace

bool ChunkReader::begin(hid_t dataset, const DatasetInfo& info, const Memory& memory) {
  dataset_ = dataset;
  info_ = &info;
  if (memory_.type == memory.type) return true;
  kept_.clear();
  kept_bytes_ = 0;
  memory_ = memory;
  elements_ = 1;
  for (const std::int64_t axis : info.chunk) elements_ *= static_cast<std::size_t>(axis);
  fill_.assign(memory.bytes, std::byte{0});
  const Handle plist(H5Dget_create_plist(dataset), H5Pclose);
  return plist.ok() && H5Pget_fill_value(plist.id(), memory.type, fill_.data()) >= 0;
}

std::shared_ptr<ChunkReader::Values> ChunkReader::converted(Chunk chunk) const {
  auto out = std::make_shared<Values>(std::move(chunk.bytes));
  const auto stored = static_cast<std::size_t>(info_->element_bytes);
  out->resize(elements_ * std::max(stored, memory_.bytes));
  const Handle type(H5Dget_type(dataset_), H5Tclose);
  if (H5Tequal(type.id(), memory_.type) <= 0 &&
      H5Tconvert(type.id(), memory_.type, elements_, out->data(), nullptr, H5P_DEFAULT) < 0) {
    return nullptr;
  }
  out->resize(elements_ * memory_.bytes);
  return out;
}

std::shared_ptr<const ChunkReader::Values> ChunkReader::values_of(const Place& first,
                                                                  const Fetch& fetch,
                                                                  std::string& problem) {
  if (const auto kept = kept_.find(first); kept != kept_.end()) return kept->second;
  absl::StatusOr<Chunk> chunk = fetch(first);
  std::shared_ptr<Values> values;
  if (chunk.ok() && chunk->bytes.empty()) {  // never written
    values = std::make_shared<Values>(elements_ * memory_.bytes);
    for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] = fill_[i % fill_.size()];
  } else if (chunk.ok() &&
             unpack(info_->filters, elements_ * static_cast<std::size_t>(info_->element_bytes),
                    *chunk)) {
    values = converted(*std::move(chunk));
  }
  if (values == nullptr) {
    problem = "a chunk is damaged";
    return nullptr;
  }
  if (kept_bytes_ + values->size() > kMostKept) {
    kept_.clear();
    kept_bytes_ = 0;
  }
  kept_bytes_ += values->size();
  kept_[first] = values;
  return values;
}

std::string ChunkReader::read(hid_t dataset, const DatasetInfo& info, const Slab& slab,
                              const Memory& memory, std::byte* out, const Fetch& fetch) {
  if (!begin(dataset, info, memory)) return library_error();
  Place first = slab.first;
  Place end = slab.first;
  for (std::size_t axis = 0; axis < first.size(); ++axis) {
    first[axis] -= first[axis] % info.chunk[axis];
    end[axis] += slab.count[axis];
  }
  Place at = first;
  do {
    std::string problem;
    const auto values = values_of(at, fetch, problem);
    if (values == nullptr) return problem;
    copy_common(values->data(), at, info.chunk, slab, memory.bytes, out);
  } while (advance(at, first, info.chunk, end));
  return {};
}

}  // namespace unfold::hdf5
