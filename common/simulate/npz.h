#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::simulate {

/// Writes numpy's .npz: a zip file of .npy arrays, each deflated, C order, little-endian. Arrays
/// may be larger than memory: they are given in pieces. Not thread safe. Files up to 4 GiB.
class NpzWriter {
 public:
  /// Replaces a file of that name.
  explicit NpzWriter(const std::string& path);
  ~NpzWriter();

  /// An empty shape is a scalar.
  void add(std::string_view name, std::span<const double> values,
           const std::vector<std::int64_t>& shape);
  void add(std::string_view name, std::span<const std::int64_t> values,
           const std::vector<std::int64_t>& shape);

  /// A float64 array in pieces: begin(), append() until all elements are there, end().
  void begin(std::string_view name, const std::vector<std::int64_t>& shape);
  void append(std::span<const double> values);
  void end();

  /// Writes the directory. Unavailable/WRITE_FAILED where anything went wrong since the start.
  absl::Status finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold::simulate
