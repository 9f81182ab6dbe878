#include "workers/engines/verify_png.h"

#include <array>
#include <fstream>
#include <string_view>

#include "common/base/error.h"

namespace unfold::engine {
namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kEnd("\x00\x00\x00\x00IEND\xae\x42\x60\x82", 12);

bool holds(const std::string& path, std::string_view wanted, std::ios::seekdir from) {
  std::ifstream file(path, std::ios::binary);
  const auto size = static_cast<std::streamoff>(wanted.size());
  file.seekg(from == std::ios::end ? -size : 0, from);
  std::array<char, 12> bytes{};
  file.read(bytes.data(), size);
  return file && std::string_view(bytes.data(), wanted.size()) == wanted;
}

}  // namespace

bool is_png(const std::string& path) { return holds(path, kSignature, std::ios::beg); }

absl::Status verify_png(const std::string& path, const std::string& field) {
  if (is_png(path) && holds(path, kEnd, std::ios::end)) return absl::OkStatus();
  return error({.code = absl::StatusCode::kInternal,
                .reason = "BAD_PRODUCT",
                .field = field,
                .what = "the picture is not whole",
                .why = "it has no end",
                .remedy = ""});
}

}  // namespace unfold::engine
