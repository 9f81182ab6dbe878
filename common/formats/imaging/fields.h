#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/units.h"

namespace unfold::imaging_data {

/// What a dataset must be.
struct Field {
  std::string name;
  std::vector<std::int64_t> shape;  ///< -1: any length
  std::string axes;                 ///< for messages, "[T, D]"
  Unit unit = Unit::kCounts;        ///< of its attribute `unit` or `units`, where it has one
};

/// A group of an open HDF5 file and its datasets, checked. Errors name file and object:
/// MISSING_OBJECT, WRONG_SHAPE, WRONG_UNIT, BAD_VALUE, and those of hdf5::File. Copies share the
/// file. Thread safe.
class Fields {
 public:
  Fields(hdf5::File file, std::string group) : file_(std::move(file)), group_(std::move(group)) {}

  const hdf5::File& file() const { return file_; }
  const std::string& group() const { return group_; }
  std::string path(const std::string& name) const;

  absl::StatusOr<bool> has(const std::string& name) const;
  /// With shape and unit checked.
  absl::StatusOr<hdf5::Dataset> dataset(const Field& field) const;
  /// Nothing where it is absent.
  absl::StatusOr<std::optional<hdf5::Dataset>> optional_dataset(const Field& field) const;

  /// All numbers, finite and in [least, most].
  absl::StatusOr<std::vector<double>> numbers(const Field& field, double least, double most) const;
  /// Whole numbers in [least, most].
  absl::StatusOr<std::vector<std::int64_t>> integers(const Field& field, std::int64_t least,
                                                     std::int64_t most) const;

  /// An attribute of the group; nothing where absent, WRONG_TYPE where it is something else.
  absl::StatusOr<std::optional<double>> number_attribute(const std::string& name) const;
  absl::StatusOr<std::optional<std::string>> text_attribute(const std::string& name) const;

 private:
  hdf5::File file_;
  std::string group_;
};

/// The unit attribute of an object, where it has one, is `unit`.
absl::Status check_unit(const hdf5::File& file, const std::string& path, Unit unit);
/// "value 3 is -1".
absl::Status bad_value(const hdf5::Dataset& dataset, std::int64_t index, double value,
                       const std::string& wanted);
/// More elements than any vector that header() reads has.
inline constexpr std::int64_t kMostSmall = std::int64_t{1} << 25;

}  // namespace unfold::imaging_data
