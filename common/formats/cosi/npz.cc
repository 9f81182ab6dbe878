#include "common/formats/cosi/npz.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/npy_header.h"
#include "common/formats/fits/errors.h"

namespace unfold::cosi {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr std::size_t kMaxHead = 1 << 16;
constexpr std::size_t kPiece = 1 << 15;  // elements

static_assert(std::endian::native == std::endian::little, "arrays are read as they lie in memory");

template <class Value>
void widen(std::span<const unsigned char> raw, std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Value value;
    std::memcpy(&value, raw.data() + i * sizeof value, sizeof value);
    out[i] = static_cast<double>(value);
  }
}

using Widen = void (*)(std::span<const unsigned char>, std::span<double>);

Widen widener(const NpyHeader& header) {
  if (header.kind == 'f') return header.item_bytes == 4 ? widen<float> : widen<double>;
  const bool is_signed = header.kind == 'i';
  switch (header.item_bytes) {
    case 1:
      return is_signed ? widen<std::int8_t> : widen<std::uint8_t>;
    case 2:
      return is_signed ? widen<std::int16_t> : widen<std::uint16_t>;
    case 4:
      return is_signed ? widen<std::int32_t> : widen<std::uint32_t>;
    default:
      return is_signed ? widen<std::int64_t> : widen<std::uint64_t>;
  }
}

}  // namespace

std::int64_t NpyHeader::elements() const {
  std::int64_t out = 1;
  for (const std::int64_t length : shape) out *= length;
  return out;
}

absl::StatusOr<NpzFile> NpzFile::open(const std::string& path, std::string_view shown) {
  NpzFile out;
  UNFOLD_ASSIGN_OR_RETURN(ZipFile zip, ZipFile::open(path, shown));
  out.zip_ = std::make_shared<const ZipFile>(std::move(zip));
  return out;
}

std::vector<std::string> NpzFile::names() const {
  std::vector<std::string> out;
  for (const ZipEntry& entry : zip_->entries()) {
    const std::string_view name = entry.name;
    if (name.size() > kSuffix.size() && name.substr(name.size() - kSuffix.size()) == kSuffix) {
      out.emplace_back(name.substr(0, name.size() - kSuffix.size()));
    }
  }
  return out;
}

bool NpzFile::has(std::string_view name) const { return find(name).ok(); }

absl::Status NpzFile::wrong(std::string_view name, std::string_view why) const {
  return fits::bad_file(zip_->shown(), "BAD_ARRAY",
                        absl::StrCat("array \"", fits::printable(name), "\": ", std::string(why)),
                        "write the file again with numpy.savez");
}

absl::StatusOr<const ZipEntry*> NpzFile::find(std::string_view name) const {
  const std::string wanted = absl::StrCat(std::string(name), std::string(kSuffix));
  for (const ZipEntry& entry : zip_->entries()) {
    if (entry.name == wanted) return &entry;
  }
  std::string all;
  for (const std::string& other : names()) {
    absl::StrAppend(&all, all.empty() ? "" : ", ", fits::printable(other));
  }
  return fits::bad_file(zip_->shown(), "MISSING_ARRAY",
                        absl::StrCat("array \"", std::string(name), "\" is not in it; it holds ",
                                     all.empty() ? "none" : all),
                        "check that this is the right file");
}

absl::StatusOr<NpzReader> NpzFile::reader(std::string_view name) const {
  UNFOLD_ASSIGN_OR_RETURN(const ZipEntry* const entry, find(name));
  UNFOLD_ASSIGN_OR_RETURN(ZipMember member, ZipMember::open(*zip_, *entry));
  std::array<unsigned char, 12> start{};  // magic, version, and the longer form of the length
  UNFOLD_RETURN_IF_ERROR(member.read(start.data(), 10));
  if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0) return wrong(name, "it is no numpy array");
  std::size_t length = start[8] | std::size_t{start[9]} << 8;
  std::size_t before = 10;
  if (start[6] >= 2) {
    UNFOLD_RETURN_IF_ERROR(member.read(start.data() + 10, 2));
    length |= std::size_t{start[10]} << 16 | std::size_t{start[11]} << 24;
    before = 12;
  }
  if (length > kMaxHead) return wrong(name, "its head is too long");
  std::string head(length, '\0');
  UNFOLD_RETURN_IF_ERROR(member.read(head.data(), head.size()));
  NpyHeader header;
  if (const std::string why = parse_npy_header(head, header); !why.empty()) {
    return wrong(name, why);
  }
  // parse_npy_header() has bounded the product, so nothing here overflows.
  const auto data =
      static_cast<std::uint64_t>(header.elements()) * static_cast<std::uint64_t>(header.item_bytes);
  if (before + length + data != entry->bytes) {
    return wrong(name, "its shape and its size disagree");
  }
  return NpzReader(zip_, std::move(member), std::move(header));
}

absl::StatusOr<NpyHeader> NpzFile::header(std::string_view name) const {
  UNFOLD_ASSIGN_OR_RETURN(const NpzReader opened, reader(name));
  return opened.header();
}

absl::Status NpzReader::next(std::span<double> out) {
  const Widen widen_piece = widener(header_);
  const auto item = static_cast<std::size_t>(header_.item_bytes);
  while (!out.empty()) {
    const std::span<double> piece = out.first(std::min(out.size(), kPiece));
    raw_.resize(piece.size() * item);
    UNFOLD_RETURN_IF_ERROR(member_.read(raw_.data(), raw_.size()));
    widen_piece(raw_, piece);
    out = out.subspan(piece.size());
  }
  return absl::OkStatus();
}

absl::Status NpzFile::stream(std::string_view name, const Take& take) const {
  UNFOLD_ASSIGN_OR_RETURN(NpzReader opened, reader(name));
  std::vector<double> values;
  for (auto left = static_cast<std::uint64_t>(opened.header().elements()); left > 0;) {
    values.resize(std::min<std::uint64_t>(left, kPiece));
    UNFOLD_RETURN_IF_ERROR(opened.next(values));
    UNFOLD_RETURN_IF_ERROR(take(values));
    left -= values.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<double>> NpzFile::read(std::string_view name,
                                                  std::int64_t most_elements) const {
  UNFOLD_ASSIGN_OR_RETURN(const NpyHeader head, header(name));
  if (head.elements() > most_elements) {
    return wrong(name, absl::StrCat("it has ", head.elements(), " elements, more than the ",
                                    most_elements, " that can be"));
  }
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(head.elements()));
  UNFOLD_RETURN_IF_ERROR(stream(name, [&out](std::span<const double> piece) {
    out.insert(out.end(), piece.begin(), piece.end());
    return absl::OkStatus();
  }));
  return out;
}

absl::StatusOr<std::string> NpzFile::digest(std::string_view name, std::uint64_t most_bytes) const {
  UNFOLD_ASSIGN_OR_RETURN(const ZipEntry* const entry, find(name));
  if (entry->stored_bytes > most_bytes) return std::string();
  Sha256 digest;
  UNFOLD_RETURN_IF_ERROR(zip_->read_stored(
      *entry, [&](std::span<const unsigned char> piece) { digest.update(std::as_bytes(piece)); }));
  return digest.hex();
}

bool npz_has(const std::string& path, std::string_view array) {
  const absl::StatusOr<NpzFile> file = NpzFile::open(path, "");
  return file.ok() && file->has(array);
}

}  // namespace unfold::cosi
