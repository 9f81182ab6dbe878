#include "common/formats/spi/mrc.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/spi/raw_bytes.h"

// MRC2014: a header of 1024 bytes, an extended header, then the voxels. Words are counted from 1.
namespace unfold::spi_data {
namespace {

constexpr std::size_t kHeaderBytes = 1024;
constexpr std::size_t kLabels = 10;
constexpr std::size_t kLabelBytes = 80;
constexpr std::int64_t kLongestAxis = 1 << 15;

std::size_t place_of_word(int word) { return 4 * static_cast<std::size_t>(word - 1); }

class Header {
 public:
  Header() : bytes_(kHeaderBytes, '\0') {}
  void put(int word, std::int64_t value) {
    store_little(bytes_, place_of_word(word), static_cast<std::uint32_t>(value));
  }
  void put(int word, double value) {
    store_little(bytes_, place_of_word(word),
                 std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  }
  void text(std::size_t place, std::string_view value) {
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(place));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

struct Statistics {
  double least = std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::lowest();
  double mean = 0;
  double deviation = 0;
};
Statistics statistics_of(const std::vector<float>& values) {
  Statistics out;
  double squares = 0;
  for (const float value : values) {
    out.least = std::min<double>(out.least, value);
    out.most = std::max<double>(out.most, value);
    out.mean += value;
    squares += static_cast<double>(value) * value;
  }
  const auto count = static_cast<double>(values.size());
  out.mean /= count;
  out.deviation = std::sqrt(std::max(squares / count - out.mean * out.mean, 0.0));
  return out;
}

Header header_of(const Volume& volume) {
  Header out;
  for (int axis = 0; axis < 3; ++axis) {
    const auto at = static_cast<std::size_t>(axis);
    out.put(1 + axis, volume.shape[at]);
    out.put(8 + axis, volume.shape[at]);
    out.put(11 + axis, static_cast<double>(volume.shape[at]) * volume.voxel[at]);
    out.put(14 + axis, 90.0);
    out.put(17 + axis, std::int64_t{axis + 1});
    out.put(50 + axis, volume.origin[at]);
  }
  out.put(4, std::int64_t{2});
  const Statistics statistics = statistics_of(volume.values);
  out.put(20, statistics.least);
  out.put(21, statistics.most);
  out.put(22, statistics.mean);
  out.put(23, std::int64_t{1});
  out.put(28, std::int64_t{20140});
  out.text(place_of_word(53), "MAP ");
  out.text(place_of_word(54), "DD");
  out.put(55, statistics.deviation);
  const std::size_t labels = std::min(volume.labels.size(), kLabels);
  out.put(56, static_cast<std::int64_t>(labels));
  for (std::size_t i = 0; i < labels; ++i) {
    out.text(224 + i * kLabelBytes, volume.labels[i].substr(0, kLabelBytes));
  }
  return out;
}

absl::Status wrong(const NamedFile& file, const std::string& why) {
  return fits::bad_file(file.shown, "BAD_MRC", why, "give a map in the MRC2014 format");
}

// Numbers of a header in its byte order.
class Words {
 public:
  Words(std::span<const std::byte> bytes, bool big) : bytes_(bytes), big_(big) {}
  std::int64_t whole(int word) const {
    return static_cast<std::int32_t>(load_word(bytes_, place_of_word(word), big_));
  }
  double real(int word) const {
    return std::bit_cast<float>(load_word(bytes_, place_of_word(word), big_));
  }
  bool big() const { return big_; }

 private:
  std::span<const std::byte> bytes_;
  bool big_;
};

struct Layout {
  std::array<std::int64_t, 3> stored{};  ///< columns, rows, sections
  std::array<std::size_t, 3> axis{};     ///< of each: 0 x, 1 y, 2 z
  std::int64_t mode = 0;
  std::size_t begin = 0;

  std::size_t voxel_bytes() const { return mode == 2 ? 4 : mode == 0 ? 1 : 2; }
};

absl::StatusOr<Layout> layout_of(const Words& words, std::size_t file_bytes,
                                 const NamedFile& file) {
  Layout out;
  std::array<bool, 3> seen{};
  std::size_t bytes = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    out.stored[i] = words.whole(1 + static_cast<int>(i));
    if (out.stored[i] < 1 || out.stored[i] > kLongestAxis) {
      return wrong(file, absl::StrCat("an axis has ", out.stored[i], " voxels"));
    }
    bytes *= static_cast<std::size_t>(out.stored[i]);
    std::int64_t axis = words.whole(17 + static_cast<int>(i));
    if (axis == 0) axis = static_cast<std::int64_t>(i) + 1;  // older writers leave it blank
    if (axis < 1 || axis > 3 || seen[static_cast<std::size_t>(axis - 1)]) {
      return wrong(file, "MAPC, MAPR, MAPS are not 1, 2 and 3 in some order");
    }
    out.axis[i] = static_cast<std::size_t>(axis - 1);
    seen[out.axis[i]] = true;
  }
  out.mode = words.whole(4);
  if (out.mode != 0 && out.mode != 1 && out.mode != 2 && out.mode != 6) {
    return wrong(file, absl::StrCat("its mode is ", out.mode, ", not 0, 1, 2 or 6"));
  }
  const std::int64_t extended = words.whole(24);
  if (extended < 0)
    return wrong(file, absl::StrCat("its extended header has ", extended, " bytes"));
  out.begin = kHeaderBytes + static_cast<std::size_t>(extended);
  bytes *= out.voxel_bytes();  // at most 2^45 voxels: no overflow
  if (out.begin > file_bytes || bytes > file_bytes - out.begin) {
    return fits::bad_file(file.shown, "TRUNCATED",
                          absl::StrCat("its header promises ", bytes, " bytes of voxels, it has ",
                                       file_bytes - std::min(file_bytes, out.begin)),
                          "copy the file again");
  }
  return out;
}

float voxel_at(std::span<const std::byte> bytes, std::size_t place, std::int64_t mode, bool big) {
  if (mode == 2) return std::bit_cast<float>(load_word(bytes, place, big));
  if (mode == 0) return static_cast<float>(static_cast<std::int8_t>(bytes[place]));
  const std::uint16_t word = load_short(bytes, place, big);
  return mode == 1 ? static_cast<float>(static_cast<std::int16_t>(word)) : static_cast<float>(word);
}

absl::Status fill(std::span<const std::byte> bytes, const Layout& layout, bool big,
                  const NamedFile& file, Volume& out) {
  out.values.resize(static_cast<std::size_t>(out.shape[0] * out.shape[1] * out.shape[2]));
  std::size_t place = layout.begin;
  std::array<std::int64_t, 3> at{};
  for (std::int64_t section = 0; section < layout.stored[2]; ++section) {
    for (std::int64_t row = 0; row < layout.stored[1]; ++row) {
      for (std::int64_t column = 0; column < layout.stored[0]; ++column) {
        at[layout.axis[0]] = column;
        at[layout.axis[1]] = row;
        at[layout.axis[2]] = section;
        const float value = voxel_at(bytes, place, layout.mode, big);
        if (!std::isfinite(value)) return wrong(file, "a voxel is not finite");
        out.values[static_cast<std::size_t>((at[0] * out.shape[1] + at[1]) * out.shape[2] +
                                            at[2])] = value;
        place += layout.voxel_bytes();
      }
    }
  }
  return absl::OkStatus();
}

absl::Status read_places(const Words& words, const NamedFile& file, Volume& out) {
  for (int axis = 0; axis < 3; ++axis) {
    const auto at = static_cast<std::size_t>(axis);
    const std::int64_t intervals = words.whole(8 + axis);
    const double cell = words.real(11 + axis);
    out.voxel[at] = intervals > 0 ? cell / static_cast<double>(intervals) : 0;
    out.origin[at] = words.real(50 + axis);
    if (!std::isfinite(out.voxel[at]) || !(out.voxel[at] > 0) || !std::isfinite(out.origin[at])) {
      return wrong(file, "its cell or origin gives no size of a voxel");
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> labels_of(std::span<const std::byte> bytes, std::int64_t count) {
  std::vector<std::string> out;
  for (std::int64_t i = 0; i < std::clamp<std::int64_t>(count, 0, kLabels); ++i) {
    const auto* text = reinterpret_cast<const char*>(bytes.data()) + 224 +
                       static_cast<std::size_t>(i) * kLabelBytes;
    std::string label(text, std::find(text, text + kLabelBytes, '\0'));
    while (!label.empty() && label.back() == ' ') label.pop_back();
    out.push_back(fits::printable(label));
  }
  return out;
}

}  // namespace

absl::Status write_mrc(const std::string& path, const Volume& volume) {
  const auto [nx, ny, nz] = volume.shape;
  const bool sane = std::all_of(volume.shape.begin(), volume.shape.end(),
                                [](std::int64_t axis) { return axis > 0 && axis <= kLongestAxis; });
  if (!sane || static_cast<std::int64_t>(volume.values.size()) != nx * ny * nz) {
    return error(
        {.reason = "WRONG_SHAPE",
         .what = "cannot write the map",
         .why = absl::StrCat(volume.values.size(), " voxels for ", nx, " x ", ny, " x ", nz)});
  }
  std::string bytes = header_of(volume).bytes();
  bytes.resize(kHeaderBytes + 4 * volume.values.size());
  std::size_t place = kHeaderBytes;
  for (std::int64_t z = 0; z < nz; ++z) {
    for (std::int64_t y = 0; y < ny; ++y) {
      for (std::int64_t x = 0; x < nx; ++x, place += 4) {
        const float value = volume.values[static_cast<std::size_t>((x * ny + y) * nz + z)];
        store_little(bytes, place, std::bit_cast<std::uint32_t>(value));
      }
    }
  }
  return write_file(path, bytes);
}

absl::StatusOr<Volume> read_mrc(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(const RawBytes raw, RawBytes::read(file));
  const std::span<const std::byte> bytes = raw.bytes();
  if (bytes.size() < kHeaderBytes) return wrong(file, "it is shorter than a header");
  // MODE is below 128: in the wrong order it is not.
  const bool big = load_word(bytes, place_of_word(4), false) > 0xFFFF;
  const Words words(bytes, big);
  UNFOLD_ASSIGN_OR_RETURN(const Layout layout, layout_of(words, bytes.size(), file));
  Volume out;
  for (std::size_t i = 0; i < 3; ++i) out.shape[layout.axis[i]] = layout.stored[i];
  UNFOLD_RETURN_IF_ERROR(read_places(words, file, out));
  out.labels = labels_of(bytes, words.whole(56));
  UNFOLD_RETURN_IF_ERROR(fill(bytes, layout, big, file, out));
  return out;
}

Volume centred_volume(std::int64_t grid, double voxel, const std::vector<double>& density) {
  const double first = -static_cast<double>(grid / 2) * voxel;
  return {.shape = {grid, grid, grid},
          .voxel = {voxel, voxel, voxel},
          .origin = {first, first, first},
          .values = std::vector<float>(density.begin(), density.end()),
          .labels = {"unfold: density from diffraction patterns", kHandUndetermined}};
}

}  // namespace unfold::spi_data
