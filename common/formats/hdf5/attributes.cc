#include <functional>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/hdf5/state.h"
#include "common/formats/hdf5/types.h"

namespace unfold::hdf5 {
namespace {

constexpr hsize_t kMostBytes = 1 << 20;
constexpr hsize_t kMostStrings = 4096;
constexpr std::size_t kMostAttributes = 4096;
constexpr std::size_t kLongestName = 1024;

template <class T, class Single>
std::optional<Attribute> numbers(hid_t attribute, std::size_t count, bool single) {
  std::vector<T> values(count);
  if (count > 0 && H5Aread(attribute, native<T>(), values.data()) < 0) return std::nullopt;
  if (single) return Attribute(static_cast<Single>(values[0]));
  return Attribute(std::move(values));
}

/// An attribute, and where its object header is.
struct Place {
  RawFile file;
  haddr_t header = HADDR_UNDEF;
  std::string name;
};

std::optional<std::vector<std::string>> variable_texts(const Place& place, std::size_t count) {
  if (place.header == HADDR_UNDEF) return std::nullopt;
  auto bytes = attribute_bytes(place.file, place.header, place.name);
  if (!bytes || bytes->size() < count * kReferenceBytes) return std::nullopt;
  bytes->resize(count * kReferenceBytes);
  return texts_at(place.file, *bytes);
}

std::optional<Attribute> texts(hid_t attribute, hid_t type, bool variable, const Place& place,
                               std::size_t count, bool single) {
  if (count > kMostStrings) return std::nullopt;
  auto values = variable ? variable_texts(place, count)
                         : read_fixed(type, count, [attribute](hid_t memory, void* to) {
                             return H5Aread(attribute, memory, to);
                           });
  if (!values) return std::nullopt;
  if (single) return Attribute(std::move((*values)[0]));
  return Attribute(*std::move(values));
}

Place place_of(const FileState& file, hid_t object, const std::string& name) {
  H5O_info_t info{};
  const bool known = H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0;
  return {file.raw(), known ? info.addr : HADDR_UNDEF, name};
}

// Nothing where it is neither numbers nor text, or cannot be read.
std::optional<Attribute> value_of(hid_t attribute, const Place& place) {
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  if (!type.ok() || !space.ok()) return std::nullopt;
  const StoredType stored = stored_type(type.id());
  const H5S_class_t form = H5Sget_simple_extent_type(space.id());
  const hssize_t count = H5Sget_simple_extent_npoints(space.id());
  const bool single = form == H5S_SCALAR;
  const auto elements = static_cast<hsize_t>(count);
  if ((!single && (form != H5S_SIMPLE || H5Sget_simple_extent_ndims(space.id()) != 1)) ||
      count < (single ? 1 : 0) || elements > kMostBytes / sizeof(double)) {
    return std::nullopt;
  }
  if (stored.kind == Kind::kInteger)
    return numbers<std::int64_t, std::int64_t>(attribute, elements, single);
  if (stored.kind == Kind::kFloat) return numbers<double, double>(attribute, elements, single);
  if (stored.kind == Kind::kString)
    return texts(attribute, type.id(), stored.is_variable, place, elements, single);
  std::uint8_t flag = 0;
  if (!stored.is_flag || !single || H5Aread(attribute, type.id(), &flag) < 0) return std::nullopt;
  return Attribute(std::int64_t{flag});
}

// Of what the header itself holds; attributes elsewhere have checksums.
bool attributes_are_sane(const FileState& file, hid_t object) {
  const Place place = place_of(file, object, {});
  return place.header != HADDR_UNDEF && attributes_fit(place.file, place.header);
}

struct Names {
  std::vector<std::string> names;
  bool too_many = false;
};

herr_t collect_name(hid_t, const char* name, const H5A_info_t*, void* out) {
  Names& names = *static_cast<Names*>(out);
  std::string text(name);
  names.too_many = names.names.size() >= kMostAttributes || text.size() > kLongestName;
  if (names.too_many) return 1;
  names.names.push_back(std::move(text));
  return 0;
}

}  // namespace

absl::StatusOr<std::optional<Attribute>> File::attribute(const std::string& object,
                                                         const std::string& name) const {
  const Call call;
  UNFOLD_ASSIGN_OR_RETURN(const Handle holder, require_object(*state_, object));
  if (!attributes_are_sane(*state_, holder.id())) {
    return bad_object(shown(), object, "BAD_STRUCTURE", "its attributes are damaged");
  }
  const htri_t there = H5Aexists(holder.id(), name.c_str());
  if (there == 0) return std::optional<Attribute>();
  const Handle attribute(there < 0 ? -1 : H5Aopen(holder.id(), name.c_str(), H5P_DEFAULT),
                         H5Aclose);
  if (!attribute.ok()) return bad_object(shown(), object, "BAD_STRUCTURE", library_error());
  std::optional<Attribute> value = value_of(attribute.id(), place_of(*state_, holder.id(), name));
  if (!value) {
    return bad_object(shown(), object, "WRONG_TYPE",
                      absl::StrCat("attribute ", name, " is neither numbers nor text"));
  }
  return value;
}

absl::StatusOr<std::vector<NamedAttribute>> File::attributes(const std::string& object) const {
  const Call call;
  UNFOLD_ASSIGN_OR_RETURN(const Handle holder, require_object(*state_, object));
  if (!attributes_are_sane(*state_, holder.id())) {
    return bad_object(shown(), object, "BAD_STRUCTURE", "its attributes are damaged");
  }
  Names found;
  if (H5Aiterate2(holder.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &found) < 0) {
    return bad_object(shown(), object, "BAD_STRUCTURE", library_error());
  }
  if (found.too_many)
    return bad_object(shown(), object, "TOO_LARGE", "it has wildly many attributes");
  std::vector<NamedAttribute> out;
  for (const std::string& name : found.names) {
    const Handle attribute(H5Aopen(holder.id(), name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute.ok()) return bad_object(shown(), object, "BAD_STRUCTURE", library_error());
    if (std::optional<Attribute> value =
            value_of(attribute.id(), place_of(*state_, holder.id(), name))) {
      out.push_back({name, *std::move(value)});
    }
  }
  H5Eclear2(H5E_DEFAULT);
  return out;
}

}  // namespace unfold::hdf5
