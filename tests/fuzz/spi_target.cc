#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "common/formats/spi/dragonfly.h"
#include "common/formats/spi/dragonfly_detector.h"
#include "common/formats/spi/emc_source.h"
#include "common/formats/spi/geometry.h"
#include "common/formats/spi/mrc.h"
#include "common/formats/spi/pdb.h"
#include "tests/fuzz/targets.h"

namespace unfold::fuzz {
namespace {

constexpr std::int64_t kMostValues = 1 << 20;

void require(bool promise) {
  if (!promise) std::abort();
}

// A file that lives in memory as long as this does.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    while (!bytes.empty()) {
      const ssize_t put = write(fd_, bytes.data(), bytes.size());
      require(put > 0);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  spi_data::NamedFile named() const { return {"/proc/self/fd/" + std::to_string(fd_), "fuzz"}; }

 private:
  int fd_;
};

void check_detector(const spi_data::Detector& detector) {
  const auto pixels = static_cast<std::size_t>(detector.pixels());
  require(detector.q.size() == 3 * pixels && detector.correction.size() == pixels);
  require(detector.picture.empty() || detector.picture.size() == 2 * pixels);
  require(detector.shape[0] * detector.shape[1] * detector.shape[2] == detector.pixels());
  require(detector.qmax() > 0);
  for (const double q : detector.q) require(std::isfinite(q));
  for (const float value : detector.correction) require(value > 0 && value <= 1.0001F);
  for (const std::int32_t place : detector.picture) {
    require(place >= 0 && place < spi_data::kLargestPicture);
  }
}

// Photons of as many pixels as the header says, on a detector without places.
void read_photons(const spi_data::NamedFile& file, std::span<const std::byte> bytes) {
  if (bytes.size() < 12) return;
  spi_data::Detector detector;
  std::int64_t pixels = 0;
  for (std::size_t i = 0; i < 4; ++i)
    pixels |= std::to_integer<std::int64_t>(bytes[4 + i]) << 8 * i;
  if (pixels > kMostValues) return;
  detector.mask.resize(static_cast<std::size_t>(pixels));
  detector.shape = {1, 1, pixels};
  const auto source = spi_data::open_emc(file, detector);
  if (!source.ok()) return;
  const spi_data::Header& header = (*source)->header();
  const std::int64_t frames = std::min(header.frames, kMostValues / pixels);
  if (frames < 1) return;
  const auto block = (*source)->read(header.frames - frames, frames);
  if (!block.ok()) return;
  if (!block->is_sparse()) {
    require(block->dense.size() == static_cast<std::size_t>(frames * pixels));
    return;
  }
  require(block->first.size() == static_cast<std::size_t>(frames) + 1);
  for (std::size_t k = 0; k < block->pixel.size(); ++k) {
    require(block->pixel[k] < pixels && block->count[k] >= 1);
  }
}

void read_places(const spi_data::NamedFile& file) {
  const auto detector = spi_data::read_dragonfly_detector(file, 2);
  if (detector.ok()) check_detector(*detector);
  const auto geometry = spi_data::read_geometry(file);
  if (!geometry.ok()) return;
  constexpr std::array<std::int64_t, 3> kShape = {2, 8, 8};
  const auto placed = spi_data::detector_of(*geometry, file, kShape, 2, 0.5);
  if (placed.ok()) check_detector(*placed);
  (void)spi_data::adu_of(*geometry, kShape, 9000);
}

}  // namespace

void read_spi_file(std::span<const std::byte> bytes) {
  const MemoryFile memory(bytes);
  const spi_data::NamedFile file = memory.named();
  read_photons(file, bytes);
  const auto map = spi_data::read_mrc(file);
  if (map.ok()) {
    require(static_cast<std::int64_t>(map->values.size()) ==
            map->shape[0] * map->shape[1] * map->shape[2]);
    for (const float value : map->values) require(std::isfinite(value));
    for (const double voxel : map->voxel) require(voxel > 0);
  }
  // HDF5 is read elsewhere.
  constexpr std::byte kSignature[] = {std::byte{0x89}, std::byte{'H'}, std::byte{'D'},
                                      std::byte{'F'}};
  if (bytes.size() >= 4 && std::equal(kSignature, kSignature + 4, bytes.begin())) return;
  read_places(file);
  const auto config = spi_data::read_config(file);
  if (config.ok()) require(config->photons_file.empty() != config->photons_list.empty());
  (void)spi_data::read_list(file);
  const auto blacklist = spi_data::read_blacklist(file, 6);
  if (blacklist.ok())
    require(spi_data::selected(config.ok() ? config->selection : spi_data::Selection::kOdd, 6,
                               *blacklist)
                .size() <= 6);
  const auto molecule = spi_data::read_pdb(file);
  if (!molecule.ok()) return;
  for (const spi_data::Atom& atom : molecule->atoms) {
    require(atom.number > 0 && atom.occupancy >= 0 && std::isfinite(atom.position[0]));
  }
}

}  // namespace unfold::fuzz
