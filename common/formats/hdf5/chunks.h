#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"

// Values of chunked datasets, unpacked here: HDF5 1.10 copies from a chunk without looking whether
// it came out as large as it must be. libdeflate is twice as fast, too.
namespace unfold::hdf5 {

/// Undoes the filters of one chunk. False where one is not known, or the chunk does not come out
/// at `bytes`, or its checksum does not hold.
bool unpack(const std::vector<Filter>& filters, std::size_t bytes, Chunk& chunk);

/// Reads boxes of one dataset; keeps some of the chunks unpacked, as values of the type that was
/// asked for last. Used within a Call.
class ChunkReader {
 public:
  using Fetch = std::function<absl::StatusOr<Chunk>(const std::vector<std::int64_t>&)>;

  /// A type in memory, and the bytes of one value.
  struct Memory {
    hid_t type = -1;
    std::size_t bytes = 0;
  };

  /// Empty, or what is wrong. `fetch` gives a chunk as stored.
  std::string read(hid_t dataset, const DatasetInfo& info, const Slab& slab, const Memory& memory,
                   std::byte* out, const Fetch& fetch);

 private:
  using Values = std::vector<std::byte>;
  std::shared_ptr<const Values> values_of(const std::vector<std::int64_t>& first,
                                          const Fetch& fetch, std::string& problem);
  bool begin(hid_t dataset, const DatasetInfo& info, const Memory& memory);
  std::shared_ptr<Values> converted(Chunk chunk) const;

  hid_t dataset_ = -1;
  const DatasetInfo* info_ = nullptr;
  Memory memory_;
  std::size_t elements_ = 0;  // of a chunk
  Values fill_;               // one value
  std::map<std::vector<std::int64_t>, std::shared_ptr<const Values>> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace unfold::hdf5
