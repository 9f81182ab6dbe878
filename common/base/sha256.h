#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace unfold {

/// Incremental SHA-256 (OpenSSL). Not thread safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// Lower-case hexadecimal digest of all updates. Call once.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Digest of a whole file, read from `path` as given.
absl::StatusOr<std::string> sha256_of_file(const std::string& path);

}  // namespace unfold
