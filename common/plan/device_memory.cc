#include "common/plan/device_memory.h"

#include <algorithm>
#include <cmath>

namespace unfold::plan {
namespace {

/// Streams, tables and what is rounded up.
constexpr double kAlways = 64.0 * 1024 * 1024;
constexpr double kPad = 12;  ///< waves of padding on each side of a patch
constexpr double kGigabyte = 1024.0 * 1024 * 1024;

std::int64_t whole(double bytes) { return static_cast<std::int64_t>(std::ceil(bytes)); }

/// Bins are not evenly spaced: where they lie closest, patches have the widest bands.
constexpr double kClosest = 0.6;

/// Dense algebra of patches of n bins takes batches of up to two gigabytes
/// (DenseSolver::kMostBytes), or one patch: its matrix, what its eigenvectors are found in, and
/// less than one for its rows. The library itself takes a quarter of a gigabyte, we assume.
double dense_bytes(double n) { return std::max(2 * kGigabyte, 8 * n * n * 8) + kGigabyte / 4; }

}  // namespace

// workers/kernels/extraction/device: a batch of patches takes up to four gigabytes and its last
// patches, the pole roots' rows 152 doubles a lane and wave.
std::int64_t device_bytes(const ExtractionSize& s) {
  const auto fibres = static_cast<double>(s.fibres), core = static_cast<double>(s.core_fibres);
  const double steps = std::ceil(static_cast<double>(s.waves) / static_cast<double>(s.core_waves));
  const double patches = fibres / core * steps;
  const double n_fibre = core + 2, n_wave = static_cast<double>(s.core_waves) + 2 * kPad;
  const auto height = static_cast<double>(s.stamp_y), width = static_cast<double>(s.stamp_x);
  const double half_band = n_fibre * (height / (kClosest * s.rows_per_bin) + 2);
  const double box =
      (n_wave * s.rows_per_bin / kClosest + 2 * height) * (8 * n_fibre + 3 * width + 8);
  constexpr double kReach = 33, kBlocks = 4, kRoots = 3;
  const double of_patch = n_fibre * n_wave * (width * height + half_band + 16) + 3 * box +
                          core * n_wave * (kBlocks * kReach + kRoots * (height + 3));
  const double batch = std::min(patches * of_patch * 8, 5 * kGigabyte);
  constexpr double kBlocksAtATime = 1848, kLanes = 32, kRow = 19;
  const double rows = std::min(kBlocksAtATime, patches * core) * n_wave * kLanes * kRow * 8;
  const double grid = steps * static_cast<double>(s.core_waves) + 2 * kPad;
  const double stamps = fibres * grid * (width * height * 8 + 24);
  const double out = fibres * static_cast<double>(s.waves) * (8 * 5 + 1 + 4 * (height + 4));
  const double dense = s.noise ? dense_bytes(n_fibre * n_wave) : 0;
  return whole(batch + rows + dense + stamps + out + 8 * static_cast<double>(s.ccd_pixels) +
               kAlways);
}

// workers/kernels/imaging/device: lookups are sorted both ways, and each of up to 396 runs adds up
// an image of its own, within a quarter of a gigabyte.
std::int64_t device_bytes(const ImagingSize& s) {
  const auto pixels = static_cast<double>(s.pixels), columns = static_cast<double>(s.columns);
  const auto events = static_cast<double>(s.events);
  const auto components = static_cast<double>(s.components);
  const auto passes = [&](double lanes) {
    const double runs = std::clamp(kGigabyte / 4 / 8 / (pixels * lanes), 8.0, 396.0);
    return lanes *
           (runs * (pixels * 8 + columns * 16) + pixels * 24 + (2 + components) * events * 8);
  };
  const double lookups =
      static_cast<double>(s.lookups) * 16 + static_cast<double>(s.times) * (columns + pixels) * 4;
  const double list = events * (8 + 8 * components + 16 +
                                8 * static_cast<double>(std::min<std::int64_t>(16, s.replicates)));
  return whole(lookups + list + passes(1) + (s.replicates > 0 ? passes(16) : 0) + kAlways);
}

// workers/kernels/spi/device: a search holds the slices of a block of references, of at most 2^30
// pixels, as floats and again in 16 bits, tiles of 2,048 frames by as many references, and lists of
// 32 candidates a frame; sums of frames take at most 2^26 values. Merging: at most 2^24 points at a
// time in two transforms, whose finer grid has up to (4 M)^3 cells with subgrids of their own;
// phasing's starts lie side by side.
std::int64_t device_bytes(const SpiSize& s) {
  const double voxels = std::pow(static_cast<double>(s.grid), 3);
  const double points = std::min(static_cast<double>(s.points), 16777216.0);
  constexpr double kOfPoint = 160, kOfCell = 96, kOfStart = 64;
  constexpr double kTile = 2048, kBlock = 1073741824, kOfFrame = 32 * 12 + 256;
  const auto frames = static_cast<double>(s.frames), pixels = static_cast<double>(s.pixels);
  const auto references = static_cast<double>(s.references), depth = pixels + 64;
  const double block = std::min(references, std::max(kBlock / std::max(pixels, 1.0), kTile));
  const double rows = std::min(frames, kTile), columns = std::min(references, kTile);
  const double search = block * (6 * depth + 64) + rows * (2 * depth + 4 * columns) +
                        frames * kOfFrame + 64 * (4 * pixels + 64) + 40 * pixels;
  const double sums = 4 * std::min(points, 67108864.0);
  return whole(search + sums + points * kOfPoint + 64 * 1.125 * voxels * kOfCell +
               static_cast<double>(s.starts) * voxels * kOfStart + kAlways);
}

}  // namespace unfold::plan
