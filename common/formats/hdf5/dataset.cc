#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/hdf5/state.h"
#include "common/formats/hdf5/types.h"

namespace unfold::hdf5 {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 40;
constexpr std::int64_t kLargestChunk = std::int64_t{256} << 20;  // bytes
constexpr std::int64_t kMostDeflateRatio = 1032;
constexpr std::int64_t kSlack = 1 << 12;  // bytes
constexpr std::int64_t kLongestString = 64 << 10;
constexpr unsigned kMostFilters = 8;

std::vector<hsize_t> sizes(const std::vector<std::int64_t>& values) {
  return {values.begin(), values.end()};
}

// The product of `axes`, or nothing where one is negative or it exceeds `at_most`.
std::optional<std::int64_t> product(const std::vector<std::int64_t>& axes, std::int64_t at_most) {
  std::int64_t out = 1;
  for (const std::int64_t axis : axes) {
    if (axis < 0 || (axis > 0 && out > at_most / axis)) return std::nullopt;
    out *= axis;
  }
  return out;
}

bool built_in(const Filter& filter) {
  return filter.id == kDeflate || filter.id == kShuffle || filter.id == kFletcher32;
}

bool fill_filters(hid_t plist, DatasetInfo& info) {
  const int count = H5Pget_nfilters(plist);
  if (count < 0 || count > static_cast<int>(kMostFilters)) return false;
  for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
    constexpr std::size_t kMostValues = 32;
    std::size_t used = kMostValues;
    unsigned flags = 0;
    unsigned config = 0;
    char name[64] = {};
    Filter filter;
    filter.values.resize(kMostValues);
    filter.id = H5Pget_filter2(plist, i, &flags, &used, filter.values.data(), sizeof name - 1, name,
                               &config);
    if (filter.id < 0) return false;
    filter.values.resize(std::min(used, kMostValues));
    for (const char* c = name; *c != '\0'; ++c) filter.name += *c < ' ' || *c > '~' ? ' ' : *c;
    info.filters.push_back(std::move(filter));
  }
  return true;
}

}  // namespace

std::int64_t DatasetInfo::elements() const {
  return product(shape, kMostElements).value_or(kMostElements);
}

std::string DatasetInfo::shape_text() const {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

const DatasetInfo& Dataset::info() const { return state_->info; }

absl::Status Dataset::problem(std::string reason, std::string why, std::string remedy) const {
  return bad_object(state_->file->shown, info().path, std::move(reason), std::move(why),
                    std::move(remedy));
}

namespace {

// Where the numbers are. A virtual dataset opens its sources as soon as its shape is asked for, so
// this comes first.
absl::Status check_layout(hid_t plist, const Dataset& dataset, DatasetInfo& info) {
  const H5D_layout_t layout = H5Pget_layout(plist);
  if (layout == H5D_VIRTUAL) {
    return dataset.problem("UNSAFE_LINK", "it is a virtual dataset, of other files' parts",
                           "copy it into one file (h5repack)");
  }
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) {
    return dataset.problem("BAD_STRUCTURE", library_error());
  }
  if (layout == H5D_CONTIGUOUS && H5Pget_external_count(plist) != 0) {
    return dataset.problem("UNSAFE_LINK", "its values are in another file",
                           "copy it into one file (h5repack)");
  }
  if (layout == H5D_CHUNKED) {
    hsize_t chunk[H5S_MAX_RANK] = {};
    const int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    if (rank <= 0) return dataset.problem("BAD_STRUCTURE", library_error());
    for (int i = 0; i < rank; ++i) {
      const auto limit = static_cast<hsize_t>(std::numeric_limits<std::uint32_t>::max());
      if (chunk[i] == 0 || chunk[i] > limit) {
        return dataset.problem("TOO_LARGE", "its chunks have a wild size");
      }
      info.chunk.push_back(static_cast<std::int64_t>(chunk[i]));
    }
  }
  return absl::OkStatus();
}

absl::Status fill_shape(hid_t space, const Dataset& dataset, DatasetInfo& info) {
  const H5S_class_t form = H5Sget_simple_extent_type(space);
  if (form != H5S_SIMPLE && form != H5S_SCALAR) {
    return dataset.problem("WRONG_SHAPE", "it has no elements");
  }
  const int rank = H5Sget_simple_extent_ndims(space);
  hsize_t axes[H5S_MAX_RANK] = {};
  if (rank < 0 || rank > H5S_MAX_RANK || H5Sget_simple_extent_dims(space, axes, nullptr) < 0) {
    return dataset.problem("BAD_STRUCTURE", library_error());
  }
  for (int i = 0; i < rank; ++i) {
    info.shape.push_back(
        axes[i] > static_cast<hsize_t>(kMostElements) ? -1 : static_cast<std::int64_t>(axes[i]));
  }
  return absl::OkStatus();
}

// What was never written needs no room in the file; what is read does in memory.
absl::Status check_sizes(const Dataset& dataset, const DatasetInfo& info, std::int64_t file_bytes) {
  const std::int64_t most = std::min(kMostElements, (file_bytes + kSlack) * kMostDeflateRatio);
  if (!product(info.shape, most / info.element_bytes)) {
    return dataset.problem("TOO_LARGE", absl::StrCat("its shape is ", info.shape_text(),
                                                     ", more than the file can hold"));
  }
  if (info.chunk.empty()) return absl::OkStatus();
  if (info.chunk.size() != info.shape.size()) {
    return dataset.problem("BAD_STRUCTURE", "its chunks have another number of axes");
  }
  if (!product(info.chunk, kLargestChunk / std::max(info.element_bytes, 1))) {
    return dataset.problem("TOO_LARGE",
                           absl::StrCat("its chunks exceed ", kLargestChunk >> 20, " MiB"),
                           "rewrite it with smaller chunks (h5repack -l)");
  }
  return absl::OkStatus();
}

// Contiguous values must lie in the file.
absl::Status check_place(hid_t dataset_id, const Dataset& dataset, std::int64_t file_bytes) {
  const DatasetInfo& info = dataset.info();
  if (!info.chunk.empty()) return absl::OkStatus();
  const hsize_t stored = H5Dget_storage_size(dataset_id);
  const haddr_t offset = H5Dget_offset(dataset_id);
  H5Eclear2(H5E_DEFAULT);  // compact values have no offset
  if (stored == 0 || offset == HADDR_UNDEF) return absl::OkStatus();
  const auto whole = static_cast<hsize_t>(file_bytes);
  if (stored > whole || offset > whole - stored) {
    return dataset.problem("TRUNCATED", "its values lie beyond the end", "copy the file again");
  }
  if (info.kind != Kind::kOther &&
      stored / static_cast<hsize_t>(info.element_bytes) < static_cast<hsize_t>(info.elements())) {
    return dataset.problem("BAD_STRUCTURE", "it stores fewer values than its shape has");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Dataset> File::dataset(const std::string& path) const {
  const Call call;
  UNFOLD_ASSIGN_OR_RETURN(Handle object, require_object(*state_, path));
  auto state = std::make_shared<Dataset::State>();
  state->file = state_;
  state->info.path = path;
  state->dataset = std::move(object);
  DatasetInfo& info = state->info;
  const hid_t id = state->dataset.id();
  const Dataset out(state);
  if (H5Iget_type(id) != H5I_DATASET) return out.problem("WRONG_TYPE", "it is no dataset");
  const Handle plist(H5Dget_create_plist(id), H5Pclose);
  if (!plist.ok()) return out.problem("BAD_STRUCTURE", library_error());
  UNFOLD_RETURN_IF_ERROR(check_layout(plist.id(), out, info));
  if (!fill_filters(plist.id(), info)) return out.problem("BAD_STRUCTURE", library_error());
  const Handle type(H5Dget_type(id), H5Tclose);
  const Handle space(H5Dget_space(id), H5Sclose);
  if (!type.ok() || !space.ok()) return out.problem("BAD_STRUCTURE", library_error());
  const StoredType stored = stored_type(type.id());
  info.kind = stored.is_flag ? Kind::kInteger : stored.kind;
  info.is_flag = stored.is_flag;
  info.element_bytes = std::max(stored.bytes, 1);
  info.is_signed = stored.is_signed;
  UNFOLD_RETURN_IF_ERROR(fill_shape(space.id(), out, info));
  UNFOLD_RETURN_IF_ERROR(check_sizes(out, info, state_->bytes));
  UNFOLD_RETURN_IF_ERROR(check_place(id, out, state_->bytes));
  return out;
}

namespace {

absl::Status check_filters(const Dataset& dataset) {
  for (const Filter& filter : dataset.info().filters) {
    if (built_in(filter)) continue;
    return dataset.problem("UNSUPPORTED_FILTER",
                           absl::StrCat("it is packed by filter ", filter.id,
                                        filter.name.empty() ? "" : " ", filter.name),
                           "rewrite it with deflate (h5repack -f GZIP=4)");
  }
  return absl::OkStatus();
}

absl::Status check_slab(const Dataset& dataset, const Slab& slab, std::size_t room) {
  const std::vector<std::int64_t>& shape = dataset.info().shape;
  bool inside = slab.first.size() == shape.size() && slab.count.size() == shape.size();
  for (std::size_t i = 0; inside && i < shape.size(); ++i) {
    inside = slab.first[i] >= 0 && slab.count[i] >= 0 && slab.count[i] <= shape[i] &&
             slab.first[i] <= shape[i] - slab.count[i];
  }
  const auto count = inside ? product(slab.count, kMostElements) : std::nullopt;
  if (!count || static_cast<std::size_t>(*count) != room) {
    return dataset.problem("WRONG_SHAPE",
                           absl::StrCat("its shape is ", dataset.info().shape_text()));
  }
  return absl::OkStatus();
}

}  // namespace

template <class T>
absl::Status Dataset::read(const Slab& slab, std::span<T> out) const {
  const Kind kind = info().kind;
  if (kind != Kind::kInteger && kind != Kind::kFloat) {
    return problem("WRONG_TYPE", "it holds no plain numbers");
  }
  UNFOLD_RETURN_IF_ERROR(check_filters(*this));
  UNFOLD_RETURN_IF_ERROR(check_slab(*this, slab, out.size()));
  if (out.empty()) return absl::OkStatus();
  const Call call;
  const hid_t id = state_->dataset.id();
  if (!info().chunk.empty()) {
    const std::string wrong = state_->chunks.read(
        id, info(), slab, {native<T>(), sizeof(T)}, reinterpret_cast<std::byte*>(out.data()),
        [this](const std::vector<std::int64_t>& first) { return chunk(first); });
    if (wrong.empty()) return absl::OkStatus();
    return problem("BAD_STRUCTURE", wrong, "copy the file again");
  }
  const Handle space(H5Dget_space(id), H5Sclose);
  const std::vector<hsize_t> count = sizes(slab.count);
  if (!slab.count.empty() && slab.count != info().shape &&
      H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, sizes(slab.first).data(), nullptr,
                          count.data(), nullptr) < 0) {
    return problem("BAD_STRUCTURE", library_error());
  }
  const Handle memory(count.empty()
                          ? H5Screate(H5S_SCALAR)
                          : H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                      H5Sclose);
  if (H5Dread(id, native<T>(), memory.id(), space.id(), H5P_DEFAULT, out.data()) < 0) {
    return problem("BAD_STRUCTURE", library_error(), "copy the file again");
  }
  return absl::OkStatus();
}

template <class T>
absl::Status Dataset::read(std::span<T> out) const {
  return read(Slab{std::vector<std::int64_t>(info().shape.size(), 0), info().shape}, out);
}

template <class T>
absl::StatusOr<std::vector<T>> Dataset::read_all(std::int64_t at_most) const {
  if (info().elements() > at_most) {
    return problem("TOO_LARGE", absl::StrCat("its shape is ", info().shape_text()));
  }
  UNFOLD_RETURN_IF_ERROR(check_filters(*this));
  std::vector<T> out(static_cast<std::size_t>(info().elements()));
  UNFOLD_RETURN_IF_ERROR(read(std::span<T>(out)));
  return out;
}

namespace {

// Of a contiguous dataset.
std::optional<std::vector<std::string>> variable_texts(hid_t dataset, const RawFile& file,
                                                       std::size_t count) {
  const haddr_t offset = H5Dget_offset(dataset);
  if (offset == HADDR_UNDEF) return std::nullopt;
  const auto references = file.read(offset, count * kReferenceBytes);
  if (!references) return std::nullopt;
  return texts_at(file, *references);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Dataset::strings(std::int64_t at_most) const {
  if (info().kind != Kind::kString) return problem("WRONG_TYPE", "it holds no text");
  if (info().elements() > at_most || info().element_bytes > kLongestString) {
    return problem("TOO_LARGE", absl::StrCat("its shape is ", info().shape_text()));
  }
  UNFOLD_RETURN_IF_ERROR(check_filters(*this));
  if (info().elements() == 0) return std::vector<std::string>();
  if (!info().chunk.empty()) {
    return problem("WRONG_TYPE", "its text is in chunks",
                   "store it contiguous (h5repack -l CONTI)");
  }
  const Call call;
  const hid_t id = state_->dataset.id();
  const Handle type(H5Dget_type(id), H5Tclose);
  const auto count = static_cast<std::size_t>(info().elements());
  auto out = H5Tis_variable_str(type.id()) > 0
                 ? variable_texts(id, state_->file->raw(), count)
                 : read_fixed(type.id(), count, [id](hid_t memory, void* to) {
                     return H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
                   });
  if (!out) return problem("BAD_STRUCTURE", "its text leads astray", "copy the file again");
  return *std::move(out);
}

absl::StatusOr<Chunk> Dataset::chunk(const std::vector<std::int64_t>& first) const {
  bool known = !info().chunk.empty() && first.size() == info().shape.size();
  for (std::size_t i = 0; known && i < first.size(); ++i) {
    known = first[i] >= 0 && first[i] < info().shape[i] && first[i] % info().chunk[i] == 0;
  }
  if (!known) return problem("WRONG_SHAPE", "no chunk begins there");
  const Call call;
  const hid_t id = state_->dataset.id();
  const std::vector<hsize_t> offset = sizes(first);
  hsize_t bytes = 0;
  if (H5Dget_chunk_storage_size(id, offset.data(), &bytes) < 0) {
    // HDF5 1.10 calls a chunk that was never written an error here, but not there.
    haddr_t place = 0;
    const std::string why = library_error();
    if (H5Dget_chunk_info_by_coord(id, offset.data(), nullptr, &place, &bytes) < 0 ||
        place != HADDR_UNDEF) {
      return problem("BAD_STRUCTURE", why, "copy the file again");
    }
    bytes = 0;
  }
  if (bytes > static_cast<hsize_t>(state_->file->bytes)) {
    return problem("TRUNCATED", "a chunk lies beyond the end", "copy the file again");
  }
  Chunk out;
  out.bytes.resize(bytes);
  if (bytes > 0 &&
      H5Dread_chunk(id, H5P_DEFAULT, offset.data(), &out.filter_mask, out.bytes.data()) < 0) {
    return problem("BAD_STRUCTURE", library_error(), "copy the file again");
  }
  return out;
}

#define UNFOLD_HDF5_READ(T)                                                \
  template absl::Status Dataset::read<T>(std::span<T>) const;              \
  template absl::Status Dataset::read<T>(const Slab&, std::span<T>) const; \
  template absl::StatusOr<std::vector<T>> Dataset::read_all<T>(std::int64_t) const;
UNFOLD_HDF5_READ(double)
UNFOLD_HDF5_READ(float)
UNFOLD_HDF5_READ(std::int64_t)
UNFOLD_HDF5_READ(std::int32_t)
UNFOLD_HDF5_READ(std::uint32_t)
UNFOLD_HDF5_READ(std::uint16_t)
UNFOLD_HDF5_READ(std::uint8_t)
#undef UNFOLD_HDF5_READ

}  // namespace unfold::hdf5
