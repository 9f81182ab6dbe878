#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "common/formats/cosi/events.h"
#include "common/formats/cosi/npz.h"
#include "common/formats/cosi/orientations.h"
#include "common/formats/imaging/histogram_file.h"
#include "common/formats/imaging/histpy_response.h"
#include "tests/fuzz/targets.h"

namespace unfold::fuzz {
namespace {

constexpr std::int64_t kMostElements = 1 << 20;
constexpr std::int64_t kMostNumbers = 1 << 22;  // of a response

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
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void read_arrays(const std::string& path) {
  const auto file = cosi::NpzFile::open(path, "fuzz");
  if (!file.ok()) return;
  for (const std::string& name : file->names()) {
    const auto header = file->header(name);
    const auto values = file->read(name, kMostElements);
    if (!values.ok()) continue;
    require(header.ok() && static_cast<std::int64_t>(values->size()) == header->elements());
  }
}

void read_histogram(const hdf5::File& file) {
  const auto place = imaging_data::open_histogram(file, "hist");
  if (!place.ok()) return;
  const auto cells = imaging_data::read_cells(*place, kMostElements);
  if (cells.ok()) require(static_cast<std::int64_t>(cells->size()) == place->cells());
}

void read_response(const hdf5::File& file) {
  const auto response = imaging_data::HistpyResponse::open(file);
  if (!response.ok()) return;
  const std::int64_t rows = std::min<std::int64_t>(response->rows(), 7);
  if (response->bins() <= 0 || rows * response->bins() > kMostNumbers) return;
  auto reader =
      response->read(std::vector<double>(static_cast<std::size_t>(response->sky().bins()), 1.0));
  if (!reader.ok()) return;
  std::vector<double> values(static_cast<std::size_t>(rows * response->bins()));
  std::vector<double> scale(static_cast<std::size_t>(rows));
  if (!(*reader)->next(values, scale).ok()) return;
  for (const double value : values) require(std::isfinite(value) && value >= 0);
}

}  // namespace

void read_raw_file(std::span<const std::byte> bytes) {
  const MemoryFile file(bytes);
  const std::string path = file.path();
  const auto events = cosi::read_events(path, "fuzz", [](const cosi::ComptonEvent& event) {
    require(std::isfinite(event.time) && event.energy > 0 && event.polar >= 0 &&
            event.azimuth >= 0 && !(event.phi < 0));
  });
  if (events.ok()) (void)cosi::looks_like_events(path);
  const auto rows = cosi::read_orientations(path, "fuzz");
  if (rows.ok()) {
    for (std::size_t i = 1; i < rows->rows(); ++i) require(rows->time[i] > rows->time[i - 1]);
    require(rows->x_axis.size() == rows->rows() && rows->z_axis.size() == rows->rows());
  }
  read_arrays(path);
  const auto tree = hdf5::File::open(path, "fuzz");
  if (!tree.ok()) return;
  read_histogram(*tree);
  read_response(*tree);
}

}  // namespace unfold::fuzz
