#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/formats/imaging/hdf5_source.h"
#include "common/formats/imaging/map_file.h"
#include "tests/fuzz/targets.h"

namespace unfold::fuzz {
namespace {

using imaging_data::Header;
using imaging_data::Source;

constexpr std::int64_t kMostNumbers = 1 << 22;  // of a response

void require(bool promise) {
  if (!promise) std::abort();
}

/// HDF5 wants a name. Of this process alone, removed at its end.
class NamedBytes {
 public:
  NamedBytes()
      : path_(std::filesystem::temp_directory_path() /
              ("unfold-fuzz-" + std::to_string(getpid()) + ".h5")) {}
  ~NamedBytes() { std::filesystem::remove(path_); }
  NamedBytes(const NamedBytes&) = delete;
  NamedBytes& operator=(const NamedBytes&) = delete;

  std::string hold(std::span<const std::byte> bytes) const {
    std::filesystem::remove(path_);
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    return path_.string();
  }

 private:
  std::filesystem::path path_;
};

void check_counts(const Source& source) {
  const auto counts = source.counts();
  if (!counts.ok()) return;
  const Header& header = source.header();
  require(static_cast<std::int64_t>(counts->begin.size()) == header.times + 1);
  require(counts->begin.back() == static_cast<std::ptrdiff_t>(counts->bin.size()));
  require(counts->bin.size() == counts->value.size());
  for (const std::int32_t bin : counts->bin) require(bin >= 0 && bin < header.bins);
  for (const double value : counts->value) require(value > 0 && std::floor(value) == value);
}

void check_attitude(const Source& source) {
  const auto attitude = source.attitude();
  if (!attitude.ok()) return;
  const Header& header = source.header();
  for (const std::int32_t bin : attitude->time_bin) require(bin >= 0 && bin < header.times);
  for (const std::uint16_t k : attitude->lookup.direction) {
    require(k < header.response_rows || k == 65535);
  }
}

void check_background(const Source& source) {
  const auto background = source.background(source.header().backgrounds);
  if (!background.ok()) return;
  for (const std::int32_t group : background->group) {
    require(group >= 0 && group < background->groups);
  }
  for (const imaging_data::BackgroundTemplate& one : background->components) {
    for (const double value : one.full) require(std::isfinite(value) && value >= 0);
    require(static_cast<std::int64_t>(one.sums().size()) == source.header().times);
  }
}

void check_response(const Source& source) {
  const Header& header = source.header();
  if (header.response_rows > kMostNumbers / header.bins) return;
  std::vector<double> rows(static_cast<std::size_t>(header.response_rows * header.bins));
  std::vector<double> scale(header.integer_counts ? static_cast<std::size_t>(header.response_rows)
                                                  : 0);
  const auto reader = source.response();
  if (!reader.ok() || !(*reader)->next(rows, scale).ok()) return;
  for (const double value : rows) require(std::isfinite(value) && value >= 0);
}

}  // namespace

void read_imaging_file(std::span<const std::byte> bytes) {
  static const NamedBytes file;
  const std::string path = file.hold(bytes);
  const auto source = imaging_data::open_hdf5_source({.data = {path, "fuzz"}});
  if (source.ok()) {
    require((*source)->header().bins > 0 && (*source)->header().times > 0);
    check_counts(**source);
    check_attitude(**source);
    check_background(**source);
    check_response(**source);
    (void)(*source)->truth().ok();
  }
  const auto map = imaging_data::read_map(path, "fuzz");
  if (!map.ok()) return;
  require(static_cast<std::int64_t>(map->map.size()) == map->sky.pixels() * map->energies);
  require(map->exposure.size() == map->map.size());
}

}  // namespace unfold::fuzz
