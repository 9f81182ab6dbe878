#include "common/simulate/npz.h"

#include <zlib.h>

#include <array>
#include <bit>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"

namespace unfold::simulate {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr int kLevel = 1;  // the arrays are mostly zeros: higher levels gain little
constexpr std::uint16_t kZipVersion = 20;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kDosDate = 0x21;  // 1 January 1980: the same data make the same file
constexpr std::uint64_t kLargest = 0xffffffff;

class Record {
 public:
  Record& u16(std::uint16_t value) { return put(&value, sizeof(value)); }
  Record& u32(std::uint64_t value) {
    const auto narrow = static_cast<std::uint32_t>(value);
    return put(&narrow, sizeof(narrow));
  }
  Record& text(std::string_view value) { return put(value.data(), value.size()); }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    return *this;
  }
  std::string bytes_;
};

struct Member {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t stored = 0;
  std::uint64_t size = 0;
  std::uint32_t crc = 0;

  /// What local header and directory share.
  void describe(Record& record) const {
    record.u16(kZipVersion)
        .u16(0)
        .u16(kDeflated)
        .u16(0)
        .u16(kDosDate)
        .u32(crc)
        .u32(stored)
        .u32(size);
    record.u16(static_cast<std::uint16_t>(name.size())).u16(0);
  }
};

std::string local_header(const Member& member) {
  Record record;
  record.u32(0x04034b50);
  member.describe(record);
  record.text(member.name);
  return record.bytes();
}

std::string npy_header(std::string_view type, const std::vector<std::int64_t>& shape) {
  std::string head =
      absl::StrCat("{'descr': '", std::string(type), "', 'fortran_order': False, 'shape': (",
                   absl::StrJoin(shape, ", "), shape.size() == 1 ? ",), }" : "), }");
  constexpr std::size_t kPreamble = 10;
  head.append(63 - (kPreamble + head.size()) % 64, ' ');
  head += '\n';
  Record record;
  record.text(std::string_view("\x93NUMPY\x01\x00", 8));
  record.u16(static_cast<std::uint16_t>(head.size())).text(head);
  return record.bytes();
}

}  // namespace

struct NpzWriter::State {
  std::string path;
  std::ofstream file;
  std::vector<Member> members;
  z_stream deflater{};
  bool too_large = false;
  std::array<char, 1 << 16> buffer{};

  void start(std::string_view name, const std::string& header) {
    Member member;
    member.name = std::string(name) + ".npy";
    member.offset = static_cast<std::uint64_t>(file.tellp());
    const std::string local = local_header(member);
    file.write(local.data(), static_cast<std::streamsize>(local.size()));
    members.push_back(member);
    deflater = {};
    deflateInit2(&deflater, kLevel, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    put(header.data(), header.size());
  }

  void put(const void* data, std::size_t size) {
    Member& member = members.back();
    member.crc =
        static_cast<std::uint32_t>(crc32_z(member.crc, static_cast<const Bytef*>(data), size));
    member.size += size;
    // zlib counts its input in 32 bits.
    const auto* bytes = static_cast<const Bytef*>(data);
    constexpr std::size_t kMost = std::size_t{1} << 30;
    for (std::size_t done = 0; done < size; done += kMost) {
      deflater.next_in = const_cast<Bytef*>(bytes + done);
      deflater.avail_in = static_cast<uInt>(std::min(kMost, size - done));
      pump(Z_NO_FLUSH);
    }
  }

  void pump(int flush) {
    do {
      deflater.next_out = reinterpret_cast<Bytef*>(buffer.data());
      deflater.avail_out = static_cast<uInt>(buffer.size());
      deflate(&deflater, flush);
      const std::size_t made = buffer.size() - deflater.avail_out;
      file.write(buffer.data(), static_cast<std::streamsize>(made));
      members.back().stored += made;
    } while (deflater.avail_out == 0);
  }

  void stop() {
    pump(Z_FINISH);
    deflateEnd(&deflater);
    Member& member = members.back();
    too_large =
        too_large || member.size > kLargest || static_cast<std::uint64_t>(file.tellp()) > kLargest;
    const std::string local = local_header(member);
    const auto here = file.tellp();
    file.seekp(static_cast<std::streamoff>(member.offset));
    file.write(local.data(), static_cast<std::streamsize>(local.size()));
    file.seekp(here);
  }
};

NpzWriter::NpzWriter(const std::string& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->file.open(path, std::ios::binary | std::ios::trunc);
}

NpzWriter::~NpzWriter() = default;

void NpzWriter::add(std::string_view name, std::span<const double> values,
                    const std::vector<std::int64_t>& shape) {
  begin(name, shape);
  append(values);
  end();
}

void NpzWriter::add(std::string_view name, std::span<const std::int64_t> values,
                    const std::vector<std::int64_t>& shape) {
  state_->start(name, npy_header("<i8", shape));
  state_->put(values.data(), values.size_bytes());
  state_->stop();
}

void NpzWriter::begin(std::string_view name, const std::vector<std::int64_t>& shape) {
  state_->start(name, npy_header("<f8", shape));
}

void NpzWriter::append(std::span<const double> values) {
  state_->put(values.data(), values.size_bytes());
}

void NpzWriter::end() { state_->stop(); }

absl::Status NpzWriter::finish() {
  Record directory;
  for (const Member& member : state_->members) {
    directory.u32(0x02014b50).u16(kZipVersion);
    member.describe(directory);
    directory.u16(0).u16(0).u16(0).u32(0).u32(member.offset).text(member.name);
  }
  const auto offset = static_cast<std::uint64_t>(state_->file.tellp());
  const auto count = static_cast<std::uint16_t>(state_->members.size());
  Record tail;
  tail.u32(0x06054b50).u16(0).u16(0).u16(count).u16(count);
  tail.u32(directory.bytes().size()).u32(offset).u16(0);
  const std::string all = directory.bytes() + tail.bytes();
  state_->file.write(all.data(), static_cast<std::streamsize>(all.size()));
  state_->file.close();
  if (state_->file.good() && !state_->too_large) return absl::OkStatus();
  return error({.code = absl::StatusCode::kUnavailable,
                .reason = "WRITE_FAILED",
                .field = "output",
                .what = absl::StrCat("cannot write ", state_->path),
                .why = state_->too_large ? "it would be larger than 4 GiB" : "the disk refused",
                .remedy = "check the folder and the space on its disk"});
}

}  // namespace unfold::simulate
