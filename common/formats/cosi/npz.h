#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/cosi/zip_file.h"

namespace unfold::cosi {

/// What the head of an array in an .npz file says; its size agrees with the member's.
struct NpyHeader {
  char kind = 'f';       ///< 'f', 'i', 'u' or 'b' (bool)
  int item_bytes = 8;    ///< f: 4, 8; i, u: 1, 2, 4, 8; b: 1
  bool fortran = false;  ///< the first axis runs fastest
  std::vector<std::int64_t> shape{};

  std::int64_t elements() const;
};

/// One array from its begin to its end. Move-only; one thread at a time.
class NpzReader {
 public:
  const NpyHeader& header() const { return header_; }
  /// The next numbers in the file's order, as double. BAD_ZIP where the file ends before, or with
  /// the last number where the checksum is wrong.
  absl::Status next(std::span<double> out);

 private:
  friend class NpzFile;
  NpzReader(std::shared_ptr<const ZipFile> zip, ZipMember member, NpyHeader header)
      : zip_(std::move(zip)), member_(std::move(member)), header_(std::move(header)) {}

  std::shared_ptr<const ZipFile> zip_;
  ZipMember member_;
  NpyHeader header_;
  std::vector<unsigned char> raw_;
};

/// Arrays of numbers in numpy's .npz files (stored or deflated, C or Fortran order,
/// little-endian). Pickled objects, text, complex numbers and other byte orders are refused by
/// name. Errors name file and array: BAD_ZIP, BAD_ARRAY, MISSING_ARRAY, TOO_LARGE.
class NpzFile {
 public:
  static absl::StatusOr<NpzFile> open(const std::string& path, std::string_view shown);

  std::vector<std::string> names() const;
  bool has(std::string_view name) const;
  absl::StatusOr<NpyHeader> header(std::string_view name) const;
  /// The whole array in the file's order, as double (integers above 2^53 lose digits).
  absl::StatusOr<std::vector<double>> read(std::string_view name, std::int64_t most_elements) const;
  /// The array piece by piece in the file's order, as double; `take` may stop it with an error.
  using Take = std::function<absl::Status(std::span<const double>)>;
  absl::Status stream(std::string_view name, const Take& take) const;
  absl::StatusOr<NpzReader> reader(std::string_view name) const;
  /// SHA-256 of an array as it is stored; empty where that is more than `most_bytes`. (Zip's own
  /// checksum is no name: others of the same are made with ease, and a damaged file keeps it.)
  absl::StatusOr<std::string> digest(std::string_view name, std::uint64_t most_bytes) const;
  /// "cannot read "FILE" (array "NAME": why) [remedy]", BAD_ARRAY.
  absl::Status wrong(std::string_view name, std::string_view why) const;

 private:
  absl::StatusOr<const ZipEntry*> find(std::string_view name) const;

  std::shared_ptr<const ZipFile> zip_;
};

/// True where the file is a zip file that holds `array`.npy. Never fails.
bool npz_has(const std::string& path, std::string_view array);

}  // namespace unfold::cosi
