#include "common/formats/spi/emc_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/file_bytes.h"

namespace unfold::spi_data {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the file's numbers are read as they are");

constexpr std::int64_t kHeaderBytes = 1024;
constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

enum class Type : std::int32_t { kSparse = 0, kCounts = 1, kDoubles = 2 };

absl::Status bad_emc(const NamedFile& file, const std::string& why) {
  return fits::bad_file(file.shown, "BAD_EMC", why, "give a photon file of Dragonfly's");
}

class Bytes {
 public:
  static absl::StatusOr<Bytes> open(const NamedFile& file) {
    UNFOLD_ASSIGN_OR_RETURN(FileHandle handle, fits::open_regular(file.path, file.shown));
    struct stat info {};
    if (fstat(handle.fd(), &info) != 0) return bad_emc(file, std::strerror(errno));
    return Bytes(std::move(handle), info.st_size, file.shown);
  }
  std::int64_t size() const { return size_; }

  template <class T>
  absl::StatusOr<std::vector<T>> read(std::int64_t offset, std::int64_t count) const {
    constexpr auto kWidth = static_cast<std::int64_t>(sizeof(T));
    if (offset < 0 || count < 0 || offset > size_ || count > (size_ - offset) / kWidth) {
      return truncated(absl::StrCat("it ends at byte ", size_));
    }
    std::vector<T> out(static_cast<std::size_t>(count));
    auto* to = reinterpret_cast<char*>(out.data());
    for (std::int64_t left = count * kWidth; left > 0;) {
      const ssize_t got = pread(file_.fd(), to, static_cast<std::size_t>(left), offset);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return truncated(got < 0 ? std::strerror(errno) : "it became shorter");
      to += got;
      offset += got;
      left -= got;
    }
    return out;
  }
  absl::Status truncated(const std::string& why) const {
    return fits::bad_file(shown_, "TRUNCATED", why, "copy the file again");
  }

 private:
  Bytes(FileHandle file, std::int64_t size, std::string shown)
      : file_(std::move(file)), size_(size), shown_(std::move(shown)) {}
  FileHandle file_;
  std::int64_t size_;
  std::string shown_;
};

// Where each frame's lists begin, in elements.
struct Lists {
  std::vector<std::int64_t> ones;   ///< [N + 1]
  std::vector<std::int64_t> multi;  ///< [N + 1]

  std::int64_t place_ones(std::int64_t frames) const { return kHeaderBytes + 8 * frames; }
  std::int64_t place_multi(std::int64_t frames) const {
    return place_ones(frames) + 4 * ones.back();
  }
  std::int64_t count_multi(std::int64_t frames) const {
    return place_multi(frames) + 4 * multi.back();
  }
  std::int64_t end(std::int64_t frames) const { return count_multi(frames) + 4 * multi.back(); }
};

absl::StatusOr<std::vector<std::int64_t>> sums_of(const NamedFile& file, const Bytes& bytes,
                                                  std::int64_t offset, std::int64_t frames,
                                                  std::int64_t pixels) {
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int32_t> lengths,
                          bytes.read<std::int32_t>(offset, frames));
  std::vector<std::int64_t> out = {0};
  for (const std::int32_t length : lengths) {
    if (length < 0 || length > pixels) {
      return bad_emc(file, absl::StrCat("frame ", out.size() - 1, " has a list of ", length,
                                        " pixels of ", pixels));
    }
    out.push_back(out.back() + length);
  }
  return out;
}

class EmcSource : public PatternSource {
 public:
  EmcSource(NamedFile file, Bytes bytes, Type type, Lists lists, Header header, Detector detector)
      : file_(std::move(file)),
        bytes_(std::move(bytes)),
        type_(type),
        lists_(std::move(lists)),
        header_(std::move(header)),
        detector_(std::move(detector)) {}

  const Header& header() const override { return header_; }
  absl::StatusOr<Detector> detector() const override { return detector_; }
  absl::StatusOr<Truth> truth() const override { return Truth{}; }
  std::string place_of(std::int64_t frame) const override {
    return absl::StrCat("\"", file_.shown, "\" (frame ", frame, ")");
  }

  absl::StatusOr<Block> read(std::int64_t first, std::int64_t count) const override {
    switch (type_) {
      case Type::kSparse:
        return read_lists(first, count);
      case Type::kCounts:
        return read_dense<std::int32_t>(first, count);
      case Type::kDoubles:
        return read_dense<double>(first, count);
    }
    return Block{};
  }

 private:
  template <class T>
  absl::StatusOr<Block> read_dense(std::int64_t first, std::int64_t count) const {
    constexpr auto kWidth = static_cast<std::int64_t>(sizeof(T));
    UNFOLD_ASSIGN_OR_RETURN(
        const std::vector<T> values,
        bytes_.read<T>(kHeaderBytes + kWidth * header_.pixels() * first, count * header_.pixels()));
    Block out;
    out.dense.reserve(values.size());
    for (const T value : values) out.dense.push_back(static_cast<float>(value));
    return out;
  }
  absl::StatusOr<Block> read_lists(std::int64_t first, std::int64_t count) const;
  bool add(Block& block, std::int32_t pixel, std::int32_t count) const {
    if (pixel < 0 || pixel >= header_.pixels() || count < 1) return false;
    block.pixel.push_back(static_cast<std::uint32_t>(pixel));
    block.count.push_back(static_cast<float>(count));
    return true;
  }

  NamedFile file_;
  Bytes bytes_;
  Type type_;
  Lists lists_;
  Header header_;
  Detector detector_;
};

absl::StatusOr<Block> EmcSource::read_lists(std::int64_t first, std::int64_t count) const {
  const auto begin = static_cast<std::size_t>(first);
  const auto end = static_cast<std::size_t>(first + count);
  const std::int64_t frames = header_.frames;
  const auto slice = [&](std::int64_t place, const std::vector<std::int64_t>& sums) {
    return bytes_.read<std::int32_t>(place + 4 * sums[begin], sums[end] - sums[begin]);
  };
  UNFOLD_ASSIGN_OR_RETURN(const auto ones, slice(lists_.place_ones(frames), lists_.ones));
  UNFOLD_ASSIGN_OR_RETURN(const auto multi, slice(lists_.place_multi(frames), lists_.multi));
  UNFOLD_ASSIGN_OR_RETURN(const auto counts, slice(lists_.count_multi(frames), lists_.multi));
  Block out;
  out.first.push_back(0);
  for (std::size_t f = begin; f < end; ++f) {
    bool good = true;
    for (std::int64_t k = lists_.ones[f]; good && k < lists_.ones[f + 1]; ++k) {
      good = add(out, ones[static_cast<std::size_t>(k - lists_.ones[begin])], 1);
    }
    for (std::int64_t k = lists_.multi[f]; good && k < lists_.multi[f + 1]; ++k) {
      const auto at = static_cast<std::size_t>(k - lists_.multi[begin]);
      good = add(out, multi[at], counts[at]);
    }
    if (!good) {
      return bad_emc(file_, absl::StrCat("frame ", f, " names a pixel beyond ",
                                         header_.pixels() - 1, ", or a count below 1"));
    }
    out.first.push_back(static_cast<std::int64_t>(out.pixel.size()));
  }
  return out;
}

absl::Status check_dense_size(const Bytes& bytes, const Header& header, std::int64_t width) {
  const std::int64_t room = (bytes.size() - kHeaderBytes) / width / header.pixels();
  if (header.frames <= room) return absl::OkStatus();
  return bytes.truncated(absl::StrCat("it has room for ", room, " of ", header.frames, " frames"));
}

absl::StatusOr<Lists> lists_of(const NamedFile& file, const Bytes& bytes, const Header& header) {
  Lists out;
  const std::int64_t frames = header.frames;
  UNFOLD_ASSIGN_OR_RETURN(out.ones, sums_of(file, bytes, kHeaderBytes, frames, header.pixels()));
  UNFOLD_ASSIGN_OR_RETURN(out.multi,
                          sums_of(file, bytes, kHeaderBytes + 4 * frames, frames, header.pixels()));
  if (out.end(frames) <= bytes.size()) return out;
  return bytes.truncated(
      absl::StrCat("its lists need ", out.end(frames), " bytes, it has ", bytes.size()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PatternSource>> open_emc(const NamedFile& file,
                                                        const Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(Bytes bytes, Bytes::open(file));
  if (bytes.size() < kHeaderBytes) return bad_emc(file, "it is shorter than a header");
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::int32_t> head, bytes.read<std::int32_t>(0, 3));
  if (head[0] < 1 || head[1] < 1 || head[1] > kMostPixels || head[2] < 0 || head[2] > 2) {
    return bad_emc(file, absl::StrCat("its header tells ", head[0], " frames of ", head[1],
                                      " pixels of type ", head[2]));
  }
  if (head[1] != detector.pixels()) {
    return error({.reason = "OTHER_DETECTOR",
                  .field = "detector",
                  .what = absl::StrCat("cannot read \"", file.shown, "\""),
                  .why = absl::StrCat("its frames have ", head[1], " pixels, the detector ",
                                      detector.pixels()),
                  .remedy = "give the detector that these photons were counted with"});
  }
  const auto type = static_cast<Type>(head[2]);
  Header header;
  header.format = Format::kEmc;
  header.frames = head[0];
  header.shape = detector.shape;
  header.photons = type != Type::kDoubles;
  header.sparse = type == Type::kSparse;
  header.stored_bytes = bytes.size();
  header.has_mask = header.has_correction = true;
  Lists lists;
  if (header.sparse) {
    UNFOLD_ASSIGN_OR_RETURN(lists, lists_of(file, bytes, header));
    header.entries = lists.ones.back() + lists.multi.back();
  } else {
    UNFOLD_RETURN_IF_ERROR(check_dense_size(bytes, header, type == Type::kCounts ? 4 : 8));
  }
  return std::make_unique<EmcSource>(file, std::move(bytes), type, std::move(lists),
                                     std::move(header), detector);
}

}  // namespace unfold::spi_data
