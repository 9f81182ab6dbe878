#include "common/base/ids.h"

#include <openssl/rand.h>

#include <array>

#include "absl/strings/escaping.h"

namespace unfold {

std::string RandomIdSource::uuid() {
  std::array<unsigned char, 16> bits{};
  RAND_bytes(bits.data(), static_cast<int>(bits.size()));
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bits.data()), bits.size()));
}

}  // namespace unfold
