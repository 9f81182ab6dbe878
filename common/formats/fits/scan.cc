#include "common/formats/fits/scan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::fits {
namespace {

constexpr std::size_t kCardsPerBlock = kBlockBytes / kCardBytes;
constexpr std::size_t kMaxCards = 72'000;
constexpr std::size_t kMaxHdus = 1'000;
constexpr std::int64_t kMaxAxes = 9;
constexpr std::uint64_t kMaxDataBytes = std::uint64_t{1} << 40;
constexpr std::size_t kMaxFirstHeader = std::size_t{1} << 20;
constexpr std::string_view kSimple = "SIMPLE  =";

std::uint64_t padded_size(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

absl::Status bad_structure(std::string why) {
  return error({.reason = "BAD_STRUCTURE", .what = std::move(why)});
}

absl::Status ends_early(std::string_view shown) {
  return bad_file(shown, "TRUNCATED", "it ends inside a header", "copy the file again");
}

// Keywords that say where bytes are; a second one could be read by one reader and not another.
bool is_structural(std::string_view key) {
  static constexpr std::array<std::string_view, 13> kPrefixes = {
      "SIMPLE", "XTENSION", "BITPIX",  "NAXIS",  "PCOUNT",   "GCOUNT", "TFIELDS",
      "TFORM",  "THEAP",    "ZBITPIX", "ZNAXIS", "ZCMPTYPE", "ZTILE"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    return key.substr(0, prefix.size()) == prefix;
  });
}

// Reads cards from `offset` until END. Sets `end` to the first byte after the header.
absl::StatusOr<Header> read_header(const ByteSource& source, std::uint64_t offset,
                                   std::string_view shown, std::uint64_t* end) {
  Header header;
  std::set<std::string, std::less<>> structural;
  std::array<char, kBlockBytes> block{};
  while (true) {
    if (!source.read(offset, std::as_writable_bytes(std::span(block)))) return ends_early(shown);
    offset += kBlockBytes;
    for (std::size_t i = 0; i < kCardsPerBlock; ++i) {
      const std::string_view card(block.data() + i * kCardBytes, kCardBytes);
      if (card.substr(0, 8) == "END     ") {
        *end = offset;
        return header;
      }
      if (header.cards().size() >= kMaxCards) {
        return bad_file(shown, "TOO_LARGE", "a header has more than 72000 cards",
                        "check that this is the right file");
      }
      const std::size_t number = header.cards().size() + 1;
      if (std::any_of(card.begin(), card.end(), [](char c) { return c < ' ' || c > '~'; })) {
        return bad_structure(absl::StrCat("card ", number, " has a character outside ASCII"));
      }
      const std::string_view key = keyword_of(card);
      if (is_structural(key) && !structural.emplace(key).second) {
        return bad_structure(absl::StrCat(std::string(key), " appears twice (card ", number, ")"));
      }
      header.append_card(card);
    }
  }
}

// The integer of the card at `index`, which must have that keyword.
absl::StatusOr<std::int64_t> mandatory(const Header& header, std::size_t index,
                                       const std::string& key) {
  if (index >= header.cards().size() || keyword_of(header.cards()[index]) != key) {
    return bad_structure(absl::StrCat("card ", index + 1, " is not ", key));
  }
  return header.integer(key);
}

absl::Status read_axes(const Header& header, Hdu& hdu) {
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t bitpix, mandatory(header, 1, "BITPIX"));
  if (bitpix != 8 && bitpix != 16 && bitpix != 32 && bitpix != 64 && bitpix != -32 &&
      bitpix != -64) {
    return bad_structure(absl::StrCat("BITPIX is ", bitpix));
  }
  hdu.bitpix = static_cast<int>(bitpix);
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t count, mandatory(header, 2, "NAXIS"));
  if (count < 0 || count > kMaxAxes) return bad_structure(absl::StrCat("NAXIS is ", count));
  for (std::int64_t i = 1; i <= count; ++i) {
    UNFOLD_ASSIGN_OR_RETURN(
        const std::int64_t axis,
        mandatory(header, static_cast<std::size_t>(i + 2), absl::StrCat("NAXIS", i)));
    if (axis < 0) return bad_structure(absl::StrCat("NAXIS", i, " is ", axis));
    hdu.axes.push_back(axis);
  }
  return absl::OkStatus();
}

// |BITPIX| / 8 x (PCOUNT + NAXIS1 x ... x NAXISn), refused where it passes `kMaxDataBytes`.
absl::StatusOr<std::uint64_t> data_size(const Hdu& hdu, std::int64_t pcount) {
  if (hdu.axes.empty()) return std::uint64_t{0};
  std::uint64_t total = static_cast<std::uint64_t>(std::abs(hdu.bitpix) / 8);
  bool huge = false;
  for (const std::int64_t axis : hdu.axes) {
    huge = huge || __builtin_mul_overflow(total, static_cast<std::uint64_t>(axis), &total);
  }
  huge = huge || __builtin_add_overflow(total, static_cast<std::uint64_t>(pcount), &total);
  if (huge || total > kMaxDataBytes) {
    return error({.reason = "TOO_LARGE", .what = "the axes claim more than 1 TiB"});
  }
  return total;
}

absl::Status read_table_layout(const Header& header, std::int64_t pcount, Hdu& hdu) {
  const std::size_t after_axes = 3 + hdu.axes.size();
  if (hdu.axes.size() != 2 || hdu.bitpix != 8) {
    return bad_structure("a table needs BITPIX 8 and NAXIS 2");
  }
  UNFOLD_RETURN_IF_ERROR(mandatory(header, after_axes + 2, "TFIELDS").status());
  if (hdu.type == HduType::kAsciiTable) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(hdu.columns, parse_columns(header, hdu.axes[0]));
  if (header.has("THEAP")) {
    UNFOLD_ASSIGN_OR_RETURN(const std::int64_t heap, header.integer("THEAP"));
    const std::int64_t rows_end = static_cast<std::int64_t>(hdu.data_bytes) - pcount;
    if (heap < rows_end || heap > static_cast<std::int64_t>(hdu.data_bytes)) {
      return bad_structure(absl::StrCat("THEAP is ", heap));
    }
  }
  if (!header.has("ZIMAGE")) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(hdu.compressed_image, header.logical("ZIMAGE"));
  return absl::OkStatus();
}

absl::StatusOr<HduType> extension_type(const Header& header) {
  UNFOLD_ASSIGN_OR_RETURN(const std::string kind, header.string("XTENSION"));
  if (kind == "IMAGE") return HduType::kImage;
  if (kind == "BINTABLE" || kind == "A3DTABLE") return HduType::kBinaryTable;
  if (kind == "TABLE") return HduType::kAsciiTable;
  return bad_structure(absl::StrCat("XTENSION is \"", printable(kind), "\""));
}

// Everything the header says about its data unit.
absl::Status interpret(Hdu& hdu, bool primary) {
  const Header& header = hdu.header;
  std::int64_t pcount = 0;
  if (header.cards().empty()) return bad_structure("an empty header");
  if (primary) {
    UNFOLD_ASSIGN_OR_RETURN(const bool simple, header.logical("SIMPLE"));
    if (!simple) return bad_structure("SIMPLE is F");
  } else {
    UNFOLD_ASSIGN_OR_RETURN(hdu.type, extension_type(header));
  }
  UNFOLD_RETURN_IF_ERROR(read_axes(header, hdu));
  if (primary) {
    if (header.raw("GROUPS") == "T") return bad_structure("random groups are not supported");
  } else {
    UNFOLD_ASSIGN_OR_RETURN(pcount, mandatory(header, 3 + hdu.axes.size(), "PCOUNT"));
    UNFOLD_ASSIGN_OR_RETURN(const std::int64_t gcount,
                            mandatory(header, 4 + hdu.axes.size(), "GCOUNT"));
    if (pcount < 0 || gcount != 1 || (hdu.type == HduType::kImage && pcount != 0)) {
      return bad_structure(absl::StrCat("PCOUNT is ", pcount, " and GCOUNT ", gcount));
    }
  }
  UNFOLD_ASSIGN_OR_RETURN(hdu.data_bytes, data_size(hdu, pcount));
  if (header.has("EXTNAME")) {
    UNFOLD_ASSIGN_OR_RETURN(hdu.name, header.string("EXTNAME"));
  }
  return hdu.type == HduType::kImage ? absl::OkStatus() : read_table_layout(header, pcount, hdu);
}

absl::Status check_start(const ByteSource& source, std::string_view shown) {
  std::array<char, kSimple.size()> start{};
  const bool read = source.read(0, std::as_writable_bytes(std::span(start)));
  if (!read || std::string_view(start.data(), start.size()) != kSimple) {
    return bad_file(shown, "NOT_FITS",
                    source.size() == 0 ? "it is empty" : "it does not begin as a FITS file",
                    "name a FITS file");
  }
  return absl::OkStatus();
}

}  // namespace

bool MemorySource::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset > bytes_.size() || into.size() > bytes_.size() - offset) return false;
  std::memcpy(into.data(), bytes_.data() + offset, into.size());
  return true;
}

FileSource::FileSource(const FileHandle& file) : fd_(file.fd()), size_(0) {
  struct stat info {};
  if (fstat(fd_, &info) == 0) size_ = static_cast<std::uint64_t>(info.st_size);
}

bool FileSource::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

std::uint64_t Hdu::padded_end() const { return data_offset + padded_size(data_bytes); }

const Hdu* Structure::find(std::string_view name) const {
  const auto it =
      std::find_if(hdus.begin(), hdus.end(), [&](const Hdu& hdu) { return hdu.name == name; });
  return it == hdus.end() ? nullptr : &*it;
}

absl::StatusOr<const Hdu*> Structure::require(std::string_view name) const {
  if (const Hdu* hdu = find(name)) return hdu;
  return bad_file(shown, "MISSING_HDU", absl::StrCat("it has no HDU ", std::string(name)),
                  "check that this is the right file");
}

absl::StatusOr<Structure> scan(const ByteSource& source, std::string_view shown) {
  UNFOLD_RETURN_IF_ERROR(check_start(source, shown));
  Structure out{.shown = std::string(shown), .hdus = {}};
  for (std::uint64_t at = 0; at < source.size();) {
    const std::string where = absl::StrCat("HDU ", out.hdus.size());
    if (out.hdus.size() >= kMaxHdus) {
      return bad_file(shown, "TOO_LARGE", "it has more than 1000 HDUs",
                      "check that this is the right file");
    }
    Hdu hdu;
    hdu.header_offset = at;
    absl::StatusOr<Header> header = read_header(source, at, shown, &hdu.data_offset);
    if (!header.ok()) return in_file(header.status(), shown, where);
    hdu.header = *std::move(header);
    if (const absl::Status status = interpret(hdu, out.hdus.empty()); !status.ok()) {
      return in_file(status, shown, where);
    }
    if (hdu.padded_end() > source.size()) {
      return bad_file(
          shown, "TRUNCATED",
          absl::StrCat(where, " claims ", hdu.data_bytes, " bytes of data, the file has ",
                       source.size() - hdu.data_offset),
          "copy the file again");
    }
    at = hdu.padded_end();
    out.hdus.push_back(std::move(hdu));
  }
  return out;
}

std::span<const std::byte> LoadedFile::data(const Hdu& hdu) const {
  return bytes.contents.bytes().subspan(hdu.data_offset, hdu.data_bytes);
}

absl::StatusOr<LoadedFile> load_and_scan(const std::string& path, const std::string& shown,
                                         WithDigest digest) {
  const std::string name = shown_name(path, shown);
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, open_regular(path, name));
  LoadedFile out;
  UNFOLD_ASSIGN_OR_RETURN(out.bytes, load(file, name, digest));
  UNFOLD_ASSIGN_OR_RETURN(out.structure, scan(MemorySource(out.bytes.contents.bytes()), name));
  return out;
}

absl::StatusOr<LoadedFile> load_from_memory(std::span<const std::byte> stored,
                                            std::string_view shown) {
  LoadedFile out;
  out.bytes.compressed = starts_as_gzip(stored);
  absl::StatusOr<Buffer> contents = out.bytes.compressed ? gunzip(stored, shown) : copied(stored);
  if (!contents.ok()) return contents.status();
  out.bytes.contents = *std::move(contents);
  UNFOLD_ASSIGN_OR_RETURN(out.structure, scan(MemorySource(out.bytes.contents.bytes()), shown));
  return out;
}

absl::StatusOr<ScannedHeaders> scan_headers(const std::string& path, const std::string& shown) {
  const std::string name = shown_name(path, shown);
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, open_regular(path, name));
  ScannedHeaders out;
  UNFOLD_ASSIGN_OR_RETURN(out.compressed, is_gzip(file, name));
  if (out.compressed) {
    UNFOLD_ASSIGN_OR_RETURN(const FileBytes bytes, load(file, name, WithDigest::kNo));
    UNFOLD_ASSIGN_OR_RETURN(out.structure, scan(MemorySource(bytes.contents.bytes()), name));
  } else {
    UNFOLD_ASSIGN_OR_RETURN(out.structure, scan(FileSource(file), name));
  }
  return out;
}

absl::StatusOr<Header> read_first_header(const std::string& path, const std::string& shown) {
  const std::string name = shown_name(path, shown);
  UNFOLD_ASSIGN_OR_RETURN(const FileHandle file, open_regular(path, name));
  UNFOLD_ASSIGN_OR_RETURN(const bool compressed, is_gzip(file, name));
  std::uint64_t end = 0;
  if (!compressed) {
    const FileSource source(file);
    UNFOLD_RETURN_IF_ERROR(check_start(source, name));
    return read_header(source, 0, name, &end);
  }
  UNFOLD_ASSIGN_OR_RETURN(const Buffer beginning, gunzip_beginning(file, kMaxFirstHeader, name));
  const MemorySource source(beginning.bytes());
  UNFOLD_RETURN_IF_ERROR(check_start(source, name));
  return read_header(source, 0, name, &end);
}

}  // namespace unfold::fits
