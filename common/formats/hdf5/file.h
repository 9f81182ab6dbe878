#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

/// HDF5 in, of files that come from anywhere. What a file could use to reach outside itself, or to
/// run code, is refused: external and user-defined links, soft links that lead nowhere inside,
/// external storage, virtual datasets, filters that are loaded. Shapes are checked before anything
/// is allocated: a dataset that could not come out of so small a file is refused. One lock orders
/// all calls of the library, in every thread.
namespace unfold::hdf5 {

/// The reasons of this module's errors: NOT_HDF5, TRUNCATED, BAD_STRUCTURE, TOO_LARGE,
/// MISSING_OBJECT (NotFound), UNSAFE_LINK, UNSUPPORTED_FILTER, WRONG_TYPE, WRONG_SHAPE; and those
/// of fits::open_regular. "cannot read "FILE" (OBJECT: why) [remedy]".
absl::Status bad_object(std::string_view shown, std::string_view object, std::string reason,
                        std::string why, std::string remedy = "check how the file was made");

enum class Kind { kInteger, kFloat, kString, kOther };

/// Filters of a chunk, in the order they were applied.
struct Filter {
  int id = 0;
  std::string name;
  std::vector<unsigned> values;
};
inline constexpr int kDeflate = 1;
inline constexpr int kShuffle = 2;
inline constexpr int kFletcher32 = 3;
inline constexpr int kBitshuffle = 32008;

struct DatasetInfo {
  std::string path;                 ///< in the file, for messages
  std::vector<std::int64_t> shape;  ///< empty: a scalar
  Kind kind = Kind::kOther;
  int element_bytes = 0;  ///< as stored
  bool is_signed = false;
  bool is_flag = false;             ///< h5py's bool: kInteger, 0 or 1
  std::vector<std::int64_t> chunk;  ///< empty: contiguous or compact
  std::vector<Filter> filters;

  std::int64_t elements() const;
  std::string shape_text() const;  ///< "[48, 200]"
};

/// A box of a dataset: `count` elements of each axis from `first`.
struct Slab {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
};

/// A chunk's bytes as stored. Bit i of filter_mask: filter i was skipped.
struct Chunk {
  std::vector<std::byte> bytes;
  std::uint32_t filter_mask = 0;
};

using Attribute = std::variant<std::string, std::int64_t, double, std::vector<std::string>,
                               std::vector<std::int64_t>, std::vector<double>>;
struct NamedAttribute {
  std::string name;
  Attribute value;
};

enum class ObjectKind { kNone, kGroup, kDataset };
struct Child {
  std::string name;
  ObjectKind kind = ObjectKind::kNone;
};

struct FileState;

/// A dataset of an open file, which it keeps open. Thread safe.
/// T is double, float, std::int64_t, std::int32_t, std::uint32_t, std::uint16_t or std::uint8_t;
/// numbers are converted as HDF5 does: integers that do not fit are clipped, so read what is_signed
/// and element_bytes say, or double, and look.
class Dataset {
 public:
  const DatasetInfo& info() const;

  /// Row-major, of as many elements as `out` has: all of it, or a box.
  template <class T>
  absl::Status read(std::span<T> out) const;
  template <class T>
  absl::Status read(const Slab& slab, std::span<T> out) const;
  /// TOO_LARGE above `at_most` elements.
  template <class T>
  absl::StatusOr<std::vector<T>> read_all(std::int64_t at_most) const;
  absl::StatusOr<std::vector<std::string>> strings(std::int64_t at_most) const;
  /// Elements first .. first + count of one dimension, each a list of int32 or int64, little-endian
  /// (of variable length, h5py's vlen); 64-bit numbers that int32 does not hold are WRONG_TYPE.
  absl::StatusOr<std::vector<std::vector<std::int32_t>>> lists(std::int64_t first,
                                                               std::int64_t count) const;

  /// The chunk that begins at `first`, unfiltered: for filters that HDF5 does not have. An empty
  /// one where the file holds none (its elements are the fill value, 0).
  absl::StatusOr<Chunk> chunk(const std::vector<std::int64_t>& first) const;

  /// An error that names the file and this object.
  absl::Status problem(std::string reason, std::string why,
                       std::string remedy = "check how the file was made") const;

 private:
  friend class File;
  struct State;
  explicit Dataset(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// A file open for reading. Objects are named by path, "in/counts" or "/"; an object that is
/// missing is NotFound/MISSING_OBJECT. Copies share the file. Thread safe.
class File {
 public:
  /// `path` may be /proc/self/fd/N. Signature, superblock and size are checked first.
  static absl::StatusOr<File> open(const std::string& path, const std::string& shown);

  const std::string& shown() const;
  std::int64_t size_bytes() const;

  /// kNone where nothing is there; an error where a link is refused.
  absl::StatusOr<ObjectKind> kind_of(const std::string& path) const;
  /// In name order; TOO_LARGE above 10000.
  absl::StatusOr<std::vector<Child>> children(const std::string& group) const;
  absl::StatusOr<Dataset> dataset(const std::string& path) const;

  /// Of a group or dataset. Numbers and strings, single or in one dimension (at most 1 MiB);
  /// others are WRONG_TYPE by attribute() and left out by attributes().
  absl::StatusOr<std::optional<Attribute>> attribute(const std::string& object,
                                                     const std::string& name) const;
  absl::StatusOr<std::vector<NamedAttribute>> attributes(const std::string& object) const;

 private:
  explicit File(std::shared_ptr<const FileState> state) : state_(std::move(state)) {}
  std::shared_ptr<const FileState> state_;
};

/// True where the file begins as HDF5 does.
absl::StatusOr<bool> is_hdf5(const std::string& path, const std::string& shown);

}  // namespace unfold::hdf5
