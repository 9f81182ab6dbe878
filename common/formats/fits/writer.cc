#include "common/formats/fits/writer.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/checksum.h"
#include "common/formats/fits/file_bytes.h"
#include "common/roots/roots.h"

namespace unfold::fits {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 10;  // stays in cache while summed
constexpr int kGzipLevel = 1;                                // noise barely compresses further

absl::Status write_error(int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return error(
      {.code = full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable,
       .reason = full ? "DISK_FULL" : "WRITE_FAILED",
       .what = "cannot write the product",
       .why = std::strerror(error_number),
       .remedy = full ? "free space on the output's file system" : "check the folder"});
}

absl::Status write_all(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t done = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return write_error(errno);
    offset += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return absl::OkStatus();
}

absl::StatusOr<Buffer> gzipped(std::span<const std::byte> plain) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(kGzipLevel);
  absl::StatusOr<Buffer> out = allocate(libdeflate_gzip_compress_bound(compressor, plain.size()));
  if (out.ok()) {
    out->size = libdeflate_gzip_compress(compressor, plain.data(), plain.size(), out->data.get(),
                                         out->size);
  }
  libdeflate_free_compressor(compressor);
  return out;
}

std::size_t padding_of(std::size_t bytes) {
  return (kBlockBytes - bytes % kBlockBytes) % kBlockBytes;
}

std::string header_text(const Header& header) {
  std::string text;
  text.reserve((header.cards().size() + 1) * kCardBytes + kBlockBytes);
  for (const std::string& card : header.cards()) text += card;
  text += "END";
  text.append(kCardBytes - 3, ' ');
  text.append(padding_of(text.size()), ' ');
  return text;
}

void append_others(Header& to, const Header& from) {
  for (const std::string& card : from.cards()) {
    if (!is_structural_keyword(keyword_of(card))) to.append_card(card);
  }
}

template <class T>
constexpr int bitpix_of() {
  return static_cast<int>(sizeof(T)) * (std::is_floating_point_v<T> ? -8 : 8);
}

}  // namespace

bool is_structural_keyword(std::string_view key) {
  static constexpr std::array<std::string_view, 17> kNames = {
      "SIMPLE",   "XTENSION", "BITPIX",  "NAXIS",   "EXTEND",  "PCOUNT",
      "GCOUNT",   "GROUPS",   "BSCALE",  "BZERO",   "TFIELDS", "BLANK",
      "CHECKSUM", "DATASUM",  "EXTNAME", "INHERIT", "END"};
  static constexpr std::array<std::string_view, 16> kTiles = {
      "ZIMAGE",  "ZBITPIX", "ZNAXIS",   "ZTILE",   "ZCMPTYPE", "ZNAME",   "ZVAL",     "ZQUANTIZ",
      "ZDITHER", "ZSIMPLE", "ZTENSION", "ZEXTEND", "ZPCOUNT",  "ZGCOUNT", "ZHECKSUM", "ZDATASUM"};
  const auto begins = [&](std::string_view prefix) {
    return key.substr(0, prefix.size()) == prefix;
  };
  return std::find(kNames.begin(), kNames.end(), key) != kNames.end() ||
         (begins("NAXIS") && key.size() <= 8) || std::any_of(kTiles.begin(), kTiles.end(), begins);
}

// Where the bytes go: a file at once, or memory until they are compressed.
class Writer::Sink {
 public:
  Sink(FileHandle file, bool compress) : file_(std::move(file)), compress_(compress) {}

  absl::Status write(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (!compress_) return write_all(file_.fd(), bytes, offset);
    if (memory_.size() < offset + bytes.size()) memory_.resize(offset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), memory_.begin() + static_cast<std::ptrdiff_t>(offset));
    return absl::OkStatus();
  }

  absl::Status finish() {
    if (!compress_) return absl::OkStatus();
    UNFOLD_ASSIGN_OR_RETURN(const Buffer packed, gzipped(memory_));
    return write_all(file_.fd(), packed.bytes(), 0);
  }

 private:
  FileHandle file_;
  bool compress_;
  std::vector<std::byte> memory_;
};

Writer::Writer(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

absl::StatusOr<Writer> Writer::create(const std::string& path, bool compress) {
  FileHandle file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.fd() < 0) return write_error(errno);
  return Writer(std::make_unique<Sink>(std::move(file), compress));
}

Header Writer::structural(int bitpix, const std::vector<std::int64_t>& axes) const {
  Header out;
  if (at_ == 0) {
    out.set("SIMPLE", true, "conforms to FITS standard");
  } else {
    out.set("XTENSION", "IMAGE", "Image extension");
  }
  out.set("BITPIX", bitpix, "array data type");
  out.set("NAXIS", static_cast<std::int64_t>(axes.size()), "number of array dimensions");
  for (std::size_t i = 0; i < axes.size(); ++i) out.set(absl::StrCat("NAXIS", i + 1), axes[i]);
  if (at_ == 0) {
    out.set("EXTEND", true);
  } else {
    out.set("PCOUNT", 0, "number of parameters");
    out.set("GCOUNT", 1, "number of groups");
  }
  return out;
}

// `store(value, place)` writes one value's bytes. The header follows its data, whose sum it holds.
template <class T, class Store>
absl::Status Writer::write_data(Header header, std::span<const T> values, Store store) {
  header.set("CHECKSUM", std::string(16, '0'), "HDU checksum");
  header.set("DATASUM", "0", "data unit checksum");
  const std::size_t header_bytes = header_text(header).size();
  OnesComplementSum sum;
  std::vector<std::byte> chunk;
  const std::size_t per_chunk = kChunkBytes / sizeof(T);
  std::uint64_t at = at_ + header_bytes;
  for (std::size_t begin = 0; begin < values.size(); begin += per_chunk) {
    const std::span<const T> part =
        values.subspan(begin, std::min(per_chunk, values.size() - begin));
    const std::size_t used = part.size() * sizeof(T);
    const bool last = begin + part.size() == values.size();
    chunk.assign(used + (last ? padding_of(values.size() * sizeof(T)) : 0), std::byte{0});
    for (std::size_t i = 0; i < part.size(); ++i) store(part[i], chunk.data() + i * sizeof(T));
    sum.add(chunk);
    UNFOLD_RETURN_IF_ERROR(sink_->write(at, chunk));
    at += chunk.size();
  }
  header.set("DATASUM", absl::StrCat(sum.value()), "data unit checksum");
  OnesComplementSum whole = sum;
  const std::string unsummed = header_text(header);
  whole.add(std::as_bytes(std::span(unsummed)));
  header.set("CHECKSUM", checksum_text(whole.value()), "HDU checksum");
  const std::string text = header_text(header);
  UNFOLD_RETURN_IF_ERROR(sink_->write(at_, std::as_bytes(std::span(text))));
  at_ = at;
  return absl::OkStatus();
}

template <class T>
absl::Status Writer::write_image(const std::string& name, const std::vector<std::int64_t>& axes,
                                 std::span<const T> values, const Header& header) {
  std::int64_t count = axes.empty() ? 0 : 1;
  for (const std::int64_t axis : axes) count *= axis;
  if (count != static_cast<std::int64_t>(values.size())) {
    return error({.reason = "WRONG_SHAPE",
                  .what = absl::StrCat("cannot write HDU ", name),
                  .why = absl::StrCat(values.size(), " values for axes of ", count)});
  }
  Header full = structural(bitpix_of<T>(), axes);
  if constexpr (std::is_unsigned_v<T>) {
    full.set("BSCALE", 1);
    full.set("BZERO", std::int64_t{1} << 31);
  }
  append_others(full, header);
  full.set("EXTNAME", name, "extension name");
  return write_data(std::move(full), values, [](T value, std::byte* place) {
    if constexpr (std::is_unsigned_v<T>) value ^= T{1} << 31;
    store_big(place, value);
  });
}

absl::Status Writer::image(const std::string& name, const std::vector<std::int64_t>& axes,
                           std::span<const float> values, const Header& header) {
  return write_image(name, axes, values, header);
}
absl::Status Writer::image(const std::string& name, const std::vector<std::int64_t>& axes,
                           std::span<const double> values, const Header& header) {
  return write_image(name, axes, values, header);
}
absl::Status Writer::image(const std::string& name, const std::vector<std::int64_t>& axes,
                           std::span<const std::int16_t> values, const Header& header) {
  return write_image(name, axes, values, header);
}
absl::Status Writer::image(const std::string& name, const std::vector<std::int64_t>& axes,
                           std::span<const std::uint32_t> values, const Header& header) {
  return write_image(name, axes, values, header);
}

absl::Status Writer::table(const std::string& name, const Table& table) {
  if (at_ == 0) UNFOLD_RETURN_IF_ERROR(image("PRIMARY", {}, std::span<const float>(), {}));
  Header header;
  header.set("XTENSION", "BINTABLE", "binary table extension");
  header.set("BITPIX", 8, "array data type");
  header.set("NAXIS", 2, "number of array dimensions");
  header.set("NAXIS1", static_cast<std::int64_t>(table.row_bytes), "length of dimension 1");
  header.set("NAXIS2", table.rows, "length of dimension 2");
  header.set("PCOUNT", static_cast<std::int64_t>(table.heap().size()), "size of the heap");
  header.set("GCOUNT", 1, "number of groups");
  header.set("TFIELDS", static_cast<std::int64_t>(table.columns.size()), "number of table fields");
  append_others(header, table.header);
  header.set("EXTNAME", name);
  return write_data(std::move(header), std::span(table.data),
                    [](std::byte value, std::byte* place) { *place = value; });
}

absl::Status Writer::finish() { return sink_->finish(); }

}  // namespace unfold::fits
