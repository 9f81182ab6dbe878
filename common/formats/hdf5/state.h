#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/chunks.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/hdf5/library.h"
#include "common/formats/hdf5/raw_text.h"
#include "common/roots/roots.h"

// What the parts of the reader share.
namespace unfold::hdf5 {

struct FileState {
  std::string shown;
  std::int64_t bytes = 0;
  FileHandle descriptor;
  Handle file;

  RawFile raw() const { return {descriptor.fd(), static_cast<std::uint64_t>(bytes)}; }
};

struct Dataset::State {
  std::shared_ptr<const FileState> file;
  DatasetInfo info;
  Handle dataset;
  mutable ChunkReader chunks;  // by one caller at a time: within a Call
};

/// The object that a path's links lead to, within this file. No handle where nothing is there.
/// Within a Call.
absl::StatusOr<Handle> find_object(const FileState& file, const std::string& path);
/// MISSING_OBJECT where nothing is there.
absl::StatusOr<Handle> require_object(const FileState& file, const std::string& path);

}  // namespace unfold::hdf5
