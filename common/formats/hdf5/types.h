#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/hdf5/library.h"

// Types in files and in memory. Within a Call.
namespace unfold::hdf5 {

/// The library's own name of a number type.
template <class T>
hid_t native();

/// What a stored type is. Odd numbers (padded, of unusual exponent or size) are kOther.
struct StoredType {
  Kind kind = Kind::kOther;
  int bytes = 0;
  bool is_signed = false;
  bool is_variable = false;  ///< text of variable length
  bool is_flag = false;      ///< one-byte enumeration, as h5py writes bool
};
StoredType stored_type(hid_t type);

/// Strings of fixed length; `read` is H5Dread or H5Aread with everything but memory type and buffer
/// bound. Nothing where it failed, or they are too long.
std::optional<std::vector<std::string>> read_fixed(hid_t type, std::size_t count,
                                                   const std::function<herr_t(hid_t, void*)>& read);

/// UTF-8 of variable length.
Handle text_type();

}  // namespace unfold::hdf5
