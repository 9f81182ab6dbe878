#include "common/formats/hdf5/superblock.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"

namespace unfold::hdf5 {
namespace {

constexpr std::array<unsigned char, 8> kSignature = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::uint64_t kUndefined = ~std::uint64_t{0};
constexpr std::uint64_t kWidestNode = 4096;
constexpr std::uint64_t kAddressBytes = 8;

// Little-endian numbers at fixed places.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t number(std::size_t at, std::size_t width) const {
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[at + i]);
    }
    return value;
  }
  std::uint64_t address(std::size_t at) const { return number(at, kAddressBytes); }

 private:
  std::span<const std::byte> bytes_;
};

struct Addresses {
  std::uint64_t base = 0;
  std::uint64_t end = 0;
  std::uint64_t root = 0;
  std::uint64_t extra = kUndefined;  // driver information or superblock extension
};

absl::Status bad(std::string_view shown, std::string why) {
  return bad_object(shown, "superblock", "BAD_STRUCTURE", std::move(why), "copy the file again");
}

absl::Status check_addresses(const Addresses& at, std::uint64_t file_bytes,
                             std::string_view shown) {
  if (at.base != 0) return bad(shown, "it does not begin at the file's first byte");
  if (at.extra != kUndefined) {
    return bad_object(shown, "superblock", "BAD_STRUCTURE",
                      "it has an extension or a file driver of its own", "rewrite it by h5repack");
  }
  if (at.end > file_bytes) {
    return bad_object(shown, "superblock", "TRUNCATED",
                      absl::StrCat("it promises ", at.end, " bytes, the file has ", file_bytes),
                      "copy the file again");
  }
  if (at.root == 0 || at.root >= at.end) return bad(shown, "its root group lies outside");
  return absl::OkStatus();
}

absl::StatusOr<Addresses> classic(const Fields& fields, unsigned version, std::string_view shown) {
  constexpr std::size_t kLeafWidth = 16;
  constexpr std::size_t kInnerWidth = 18;
  const std::size_t first = version == 0 ? 24 : 28;
  if (fields.number(13, 1) != kAddressBytes || fields.number(14, 1) != kAddressBytes) {
    return bad(shown, "its addresses are not of 8 bytes");
  }
  for (const std::size_t at : {kLeafWidth, kInnerWidth}) {
    const std::uint64_t width = fields.number(at, 2);
    if (width == 0 || width > kWidestNode) return bad(shown, "its group trees have a wild width");
  }
  return Addresses{.base = fields.address(first),
                   .end = fields.address(first + 16),
                   .root = fields.address(first + 40),
                   .extra = fields.address(first + 24)};
}

absl::StatusOr<Addresses> modern(const Fields& fields, std::string_view shown) {
  if (fields.number(9, 1) != kAddressBytes || fields.number(10, 1) != kAddressBytes) {
    return bad(shown, "its addresses are not of 8 bytes");
  }
  return Addresses{.base = fields.address(12),
                   .end = fields.address(28),
                   .root = fields.address(36),
                   .extra = fields.address(20)};
}

}  // namespace

bool has_signature(std::span<const std::byte> beginning) {
  return beginning.size() >= kSignature.size() &&
         std::equal(kSignature.begin(), kSignature.end(), beginning.begin(),
                    [](unsigned char want, std::byte got) { return std::byte{want} == got; });
}

absl::Status check_superblock(std::span<const std::byte> beginning, std::uint64_t file_bytes,
                              std::string_view shown) {
  if (!has_signature(beginning)) {
    return bad_object(shown, "superblock", "NOT_HDF5", "it does not begin as HDF5",
                      "name an HDF5 file");
  }
  if (beginning.size() < kSuperblockBytes) {
    return bad_object(shown, "superblock", "TRUNCATED", "it ends within its first bytes",
                      "copy the file again");
  }
  const Fields fields(beginning);
  const auto version = static_cast<unsigned>(fields.number(8, 1));
  if (version > 3) return bad(shown, absl::StrCat("version ", version, " is not known"));
  UNFOLD_ASSIGN_OR_RETURN(const Addresses at,
                          version < 2 ? classic(fields, version, shown) : modern(fields, shown));
  return check_addresses(at, file_bytes, shown);
}

}  // namespace unfold::hdf5
