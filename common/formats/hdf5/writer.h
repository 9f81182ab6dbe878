#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"

namespace unfold::hdf5 {

/// How a dataset lies in the file: contiguous, or in chunks, shuffled and deflated where asked.
struct Packing {
  std::vector<std::int64_t> chunk{};  ///< empty: contiguous
  int deflate = 0;                    ///< level 1 .. 9; needs chunks
};

/// Writes a file that h5py and every HDF5 from 1.8 on can read. The same calls make the same
/// bytes: no times are stored. Groups in a path are made as needed. The file is
/// composed in memory and written by finish(), whole or with an error. Not synced. Move-only; not
/// thread safe.
///
/// Errors: ResourceExhausted/DISK_FULL, Unavailable/WRITE_FAILED, InvalidArgument/WRONG_SHAPE.
class Writer {
 public:
  /// Creates or truncates exactly `path`; /proc/self/fd/N/name works.
  static absl::StatusOr<Writer> create(const std::string& path);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  absl::Status group(const std::string& path);
  /// T as Dataset reads.
  template <class T>
  absl::Status dataset(const std::string& path, const std::vector<std::int64_t>& shape,
                       std::span<const T> values, const Packing& packing = {});
  /// One dimension, variable length, UTF-8.
  absl::Status strings(const std::string& path, const std::vector<std::string>& values);
  /// Of an object that exists ("/" is the root). Strings are variable length, UTF-8.
  absl::Status attribute(const std::string& object, const std::string& name,
                         const Attribute& value);

  /// Completes the file. Nothing may follow.
  absl::Status finish();

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace unfold::hdf5
