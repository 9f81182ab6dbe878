#include "common/formats/cosi/zip_file.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"

namespace unfold::cosi {
namespace {

// Lengths and places in zip's records ("APPNOTE", PKWARE); numbers are little-endian.
constexpr std::size_t kEndRecord = 22;
constexpr std::size_t kMaxComment = 65535;
constexpr std::size_t kLocator64 = 20;
constexpr std::size_t kEndRecord64 = 56;
constexpr std::size_t kDirectoryRecord = 46;
constexpr std::size_t kLocalRecord = 30;
constexpr std::uint32_t kEndMagic = 0x06054b50;
constexpr std::uint32_t kLocatorMagic = 0x07064b50;
constexpr std::uint32_t kEndMagic64 = 0x06064b50;
constexpr std::uint32_t kDirectoryMagic = 0x02014b50;
constexpr std::uint32_t kLocalMagic = 0x04034b50;
constexpr std::uint32_t kIn64 = 0xffffffff;
constexpr std::uint64_t kMaxEntries = 4096;
constexpr std::uint64_t kMaxDirectory = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxDeflateRatio = 1032;
constexpr std::size_t kChunk = std::size_t{256} << 10;

using Bytes = std::vector<unsigned char>;

std::uint64_t little(std::span<const unsigned char> bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | bytes[at + i];
  return out;
}
std::uint32_t little32(std::span<const unsigned char> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(little(bytes, at, 4));
}

absl::Status bad_zip(std::string_view shown, std::string_view why) {
  return fits::bad_file(shown, "BAD_ZIP", std::string(why), "write or copy the file again");
}

absl::Status read_at(int fd, std::string_view shown, std::uint64_t at,
                     std::span<unsigned char> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fits::bad_file(shown, "READ_FAILED", std::strerror(errno), "check the disk");
    if (got == 0) return bad_zip(shown, "it ends in the middle of a record");
    done += static_cast<std::size_t>(got);
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> bytes_at(int fd, std::string_view shown, std::uint64_t at,
                               std::uint64_t size) {
  Bytes out(size);
  UNFOLD_RETURN_IF_ERROR(read_at(fd, shown, at, out));
  return out;
}

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t at = 0;
};

absl::StatusOr<Directory> find_directory64(int fd, std::string_view shown, std::uint64_t end_at) {
  if (end_at < kLocator64) return bad_zip(shown, "its zip64 directory is missing");
  UNFOLD_ASSIGN_OR_RETURN(const Bytes locator,
                          bytes_at(fd, shown, end_at - kLocator64, kLocator64));
  const std::uint64_t at = little(locator, 8, 8);
  if (little32(locator, 0) != kLocatorMagic || end_at < kLocator64 + kEndRecord64 ||
      at > end_at - kLocator64 - kEndRecord64) {
    return bad_zip(shown, "its zip64 directory is missing");
  }
  UNFOLD_ASSIGN_OR_RETURN(const Bytes end, bytes_at(fd, shown, at, kEndRecord64));
  if (little32(end, 0) != kEndMagic64) return bad_zip(shown, "its zip64 directory is missing");
  return Directory{little(end, 32, 8), little(end, 40, 8), little(end, 48, 8)};
}

absl::StatusOr<Directory> find_directory(int fd, std::string_view shown, std::uint64_t size) {
  if (size < kEndRecord) return bad_zip(shown, "it is too short for a zip file");
  const std::uint64_t tail = std::min<std::uint64_t>(size, kEndRecord + kMaxComment);
  UNFOLD_ASSIGN_OR_RETURN(const Bytes bytes, bytes_at(fd, shown, size - tail, tail));
  for (std::size_t at = bytes.size() - kEndRecord + 1; at-- > 0;) {
    if (little32(bytes, at) != kEndMagic) continue;
    const std::uint64_t end_at = size - tail + at;
    if (little(bytes, at + 4, 4) != 0) return bad_zip(shown, "it is one of several discs");
    Directory out{little(bytes, at + 10, 2), little(bytes, at + 12, 4), little(bytes, at + 16, 4)};
    if (out.entries == 0xffff || out.bytes == kIn64 || out.at == kIn64) {
      UNFOLD_ASSIGN_OR_RETURN(out, find_directory64(fd, shown, end_at));
    }
    if (out.at > end_at || out.bytes > end_at - out.at || out.entries > kMaxEntries ||
        out.bytes > kMaxDirectory) {
      return bad_zip(shown, "its directory does not fit into the file");
    }
    return out;
  }
  return bad_zip(shown, "it is no zip file");
}

// Sizes of 2^32 - 1 stand in the extra field 1, in this order, those that need it only.
bool widen(std::span<const unsigned char> extra, ZipEntry& entry) {
  std::uint64_t* const wide[] = {&entry.bytes, &entry.stored_bytes, &entry.header_at};
  const auto needed =
      std::count_if(std::begin(wide), std::end(wide), [](const auto* v) { return *v == kIn64; });
  if (needed == 0) return true;
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::size_t length = little(extra, at + 2, 2);
    if (at + 4 + length > extra.size()) return false;
    if (little(extra, at, 2) == 1) {
      if (length < 8 * static_cast<std::size_t>(needed)) return false;
      std::size_t from = at + 4;
      for (std::uint64_t* value : wide) {
        if (*value != kIn64) continue;
        *value = little(extra, from, 8);
        from += 8;
      }
      return true;
    }
    at += 4 + length;
  }
  return false;
}

absl::Status check_entry(const ZipEntry& entry, std::uint64_t flags, std::uint64_t method,
                         std::uint64_t directory_at, std::string_view shown) {
  const std::string named = absl::StrCat("member \"", fits::printable(entry.name), "\" ");
  if ((flags & 1) != 0) return bad_zip(shown, named + "is encrypted");
  if (method != 0 && method != 8) {
    return bad_zip(shown, absl::StrCat(named, "has compression ", method,
                                       "; only stored and deflated members are read"));
  }
  if (entry.header_at > directory_at || entry.stored_bytes > directory_at - entry.header_at) {
    return bad_zip(shown, named + "lies outside the file");
  }
  const bool plausible = entry.deflated ? entry.bytes / kMaxDeflateRatio <= entry.stored_bytes
                                        : entry.bytes == entry.stored_bytes;
  if (!plausible) return bad_zip(shown, named + "cannot be as long as the directory says");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ZipEntry>> read_directory(int fd, std::string_view shown,
                                                     const Directory& directory) {
  UNFOLD_ASSIGN_OR_RETURN(const Bytes bytes, bytes_at(fd, shown, directory.at, directory.bytes));
  std::vector<ZipEntry> out;
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const std::span<const unsigned char> left = std::span(bytes).subspan(at);
    if (left.size() < kDirectoryRecord || little32(left, 0) != kDirectoryMagic) {
      return bad_zip(shown, "its directory is damaged");
    }
    const std::size_t name = little(left, 28, 2);
    const std::size_t extra = little(left, 30, 2);
    const std::size_t whole = kDirectoryRecord + name + extra + little(left, 32, 2);
    if (left.size() < whole) return bad_zip(shown, "its directory is damaged");
    const std::uint64_t method = little(left, 10, 2);
    ZipEntry entry{.deflated = method == 8,
                   .crc = little32(left, 16),
                   .stored_bytes = little(left, 20, 4),
                   .bytes = little(left, 24, 4),
                   .header_at = little(left, 42, 4)};
    const auto* begin = reinterpret_cast<const char*>(left.data()) + kDirectoryRecord;
    entry.name.assign(begin, name);
    if (!widen(left.subspan(kDirectoryRecord + name, extra), entry)) {
      return bad_zip(shown, "its zip64 sizes are damaged");
    }
    UNFOLD_RETURN_IF_ERROR(check_entry(entry, little(left, 8, 2), method, directory.at, shown));
    out.push_back(std::move(entry));
    at += whole;
  }
  return out;
}

}  // namespace

absl::StatusOr<ZipFile> ZipFile::open(const std::string& path, std::string_view shown) {
  ZipFile out;
  UNFOLD_ASSIGN_OR_RETURN(out.file_, fits::open_regular(path, shown));
  out.shown_ = std::string(shown);
  struct stat info {};
  if (fstat(out.file_.fd(), &info) != 0) return bad_zip(shown, std::strerror(errno));
  out.size_ = static_cast<std::uint64_t>(info.st_size);
  const int fd = out.file_.fd();
  UNFOLD_ASSIGN_OR_RETURN(const Directory directory, find_directory(fd, shown, out.size_));
  UNFOLD_ASSIGN_OR_RETURN(out.entries_, read_directory(fd, shown, directory));
  return out;
}

/// Where the member's bytes begin, behind the header that it has of its own.
absl::StatusOr<std::uint64_t> ZipFile::data_of(const ZipEntry& entry) const {
  const auto bad = [&](const char* why) {
    return bad_zip(shown_, absl::StrCat("member \"", fits::printable(entry.name), "\" ", why));
  };
  if (entry.header_at > size_ || size_ - entry.header_at < kLocalRecord) {
    return bad("lies outside the file");
  }
  UNFOLD_ASSIGN_OR_RETURN(const Bytes local,
                          bytes_at(file_.fd(), shown_, entry.header_at, kLocalRecord));
  if (little32(local, 0) != kLocalMagic) return bad("has no header of its own");
  const std::uint64_t at =
      entry.header_at + kLocalRecord + little(local, 26, 2) + little(local, 28, 2);
  if (at > size_ || entry.stored_bytes > size_ - at) return bad("lies outside the file");
  return at;
}

absl::Status ZipFile::read_stored(
    const ZipEntry& entry, const std::function<void(std::span<const unsigned char>)>& take) const {
  UNFOLD_ASSIGN_OR_RETURN(std::uint64_t at, data_of(entry));
  Bytes piece(kChunk);
  for (std::uint64_t left = entry.stored_bytes; left > 0;) {
    const auto now = std::span(piece).first(std::min<std::uint64_t>(left, piece.size()));
    UNFOLD_RETURN_IF_ERROR(read_at(file_.fd(), shown_, at, now));
    take(now);
    at += now.size();
    left -= now.size();
  }
  return absl::OkStatus();
}

struct ZipMember::State {
  const ZipFile& zip;
  const ZipEntry& entry;
  std::uint64_t at = 0;    // of the next stored byte in the file
  std::uint64_t left = 0;  // stored bytes
  std::uint64_t plain_left = 0;
  std::uint32_t crc = 0;
  bool inflating = false;
  z_stream stream{};
  Bytes chunk = Bytes(kChunk);

  State(const ZipFile& file, const ZipEntry& member) : zip(file), entry(member) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (inflating) inflateEnd(&stream);
  }

  absl::Status bad(std::string_view why) const {
    return bad_zip(zip.shown(),
                   absl::StrCat("member \"", fits::printable(entry.name), "\" ", std::string(why)));
  }
  absl::Status read_stored(std::span<unsigned char> out) {
    if (out.size() > left) return bad("ends early");
    UNFOLD_RETURN_IF_ERROR(read_at(zip.file_.fd(), zip.shown(), at, out));
    at += out.size();
    left -= out.size();
    return absl::OkStatus();
  }
  absl::Status read_deflated(std::span<unsigned char> out);
};

absl::Status ZipMember::State::read_deflated(std::span<unsigned char> out) {
  while (!out.empty()) {
    const std::size_t step = std::min(out.size(), kChunk);
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(step);
    while (stream.avail_out > 0) {
      if (stream.avail_in == 0) {
        const std::size_t take = std::min<std::uint64_t>(left, chunk.size());
        if (take == 0) return bad("ends early");
        UNFOLD_RETURN_IF_ERROR(read_stored(std::span(chunk).first(take)));
        stream.next_in = chunk.data();
        stream.avail_in = static_cast<uInt>(take);
      }
      const int result = inflate(&stream, Z_NO_FLUSH);
      if (result == Z_STREAM_END && stream.avail_out > 0) return bad("ends early");
      if (result != Z_OK && result != Z_STREAM_END) return bad("has damaged data");
    }
    out = out.subspan(step);
  }
  return absl::OkStatus();
}

ZipMember::ZipMember(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZipMember::ZipMember(ZipMember&&) noexcept = default;
ZipMember& ZipMember::operator=(ZipMember&&) noexcept = default;
ZipMember::~ZipMember() = default;

absl::StatusOr<ZipMember> ZipMember::open(const ZipFile& zip, const ZipEntry& entry) {
  auto state = std::make_unique<State>(zip, entry);
  UNFOLD_ASSIGN_OR_RETURN(state->at, zip.data_of(entry));
  state->left = entry.stored_bytes;
  state->plain_left = entry.bytes;
  if (entry.deflated) {
    if (inflateInit2(&state->stream, -15) != Z_OK) return state->bad("cannot be decompressed");
    state->inflating = true;
  }
  return ZipMember(std::move(state));
}

absl::Status ZipMember::read(void* out, std::size_t size) {
  State& s = *state_;
  if (size > s.plain_left) return s.bad("ends early");
  const std::span<unsigned char> bytes(static_cast<unsigned char*>(out), size);
  UNFOLD_RETURN_IF_ERROR(s.entry.deflated ? s.read_deflated(bytes) : s.read_stored(bytes));
  s.crc = static_cast<std::uint32_t>(crc32_z(s.crc, bytes.data(), bytes.size()));
  s.plain_left -= size;
  if (s.plain_left == 0 && s.crc != s.entry.crc) return s.bad("has a wrong checksum");
  return absl::OkStatus();
}

}  // namespace unfold::cosi
