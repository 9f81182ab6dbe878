#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// Text and lists of variable length, read from the file's bytes: HDF5 1.10 follows its references
// into the global heap without looking whether they lead there, and crashes on damaged ones.
// Nothing here calls the library. Source: HDF5 File Format Specification 3.0, III.E and IV.
namespace unfold::hdf5 {

/// A file by its descriptor, which stays the caller's.
class RawFile {
 public:
  RawFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  /// Nothing where the bytes are not all in the file.
  std::optional<std::vector<std::byte>> read(std::uint64_t offset, std::uint64_t bytes) const;

 private:
  int fd_;
  std::uint64_t size_;
};

/// A reference to text on file: u32 length, u64 address of a heap, u32 index.
inline constexpr std::uint64_t kReferenceBytes = 16;

/// The value of an attribute that stands in the object header at `header`, as stored. Nothing where
/// it is elsewhere, or the header is damaged.
std::optional<std::vector<std::byte>> attribute_bytes(const RawFile& file, std::uint64_t header,
                                                      const std::string& name);

/// True where every attribute in the object header at `header` ends inside its message, as the
/// library takes for granted.
bool attributes_fit(const RawFile& file, std::uint64_t header);

/// What `references` point to, each up to its first NUL. Nothing where one leads astray.
std::optional<std::vector<std::string>> texts_at(const RawFile& file,
                                                 std::span<const std::byte> references);

/// Likewise lists of elements of so many bytes, as stored.
std::optional<std::vector<std::vector<std::byte>>> lists_at(const RawFile& file,
                                                            std::span<const std::byte> references,
                                                            std::uint64_t element_bytes);

}  // namespace unfold::hdf5
