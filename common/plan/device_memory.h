#pragma once

#include <cstdint>

/// What jobs need on a GPU beside their resident response, in bytes: upper estimates, by which they
/// are placed. A job that is refused for them would not have run. Tests run jobs on devices of that
/// size.
namespace unfold::plan {

struct ExtractionSize {
  std::int64_t fibres = 0, waves = 0;     ///< asked for
  std::int64_t core_fibres = 1;           ///< of a patch
  std::int64_t core_waves = 1;            ///< of a patch; of strips: `waves`
  std::int64_t stamp_x = 1, stamp_y = 1;  ///< pixels
  std::int64_t ccd_pixels = 0;
  double rows_per_bin = 1;  ///< CCD rows from one bin to the next, on average
  bool noise = false;       ///< noise is decorrelated: by dense algebra
};
std::int64_t device_bytes(const ExtractionSize& size);

struct ImagingSize {
  std::int64_t times = 0, columns = 0;  ///< of the response: T, and K (factored) or P (dense)
  std::int64_t pixels = 0;              ///< of the model
  std::int64_t lookups = 0;             ///< of all pointings
  std::int64_t events = 0, components = 0;
  std::int64_t replicates = 0;  ///< of a bootstrap
};
std::int64_t device_bytes(const ImagingSize& size);

struct SpiSize {
  std::int64_t grid = 0;    ///< M
  std::int64_t points = 0;  ///< frames or orientations in use, times pixels
  std::int64_t starts = 1;  ///< of phasing
  std::int64_t frames = 0, pixels = 0;
  std::int64_t references = 0;  ///< of the largest search
};
std::int64_t device_bytes(const SpiSize& size);

}  // namespace unfold::plan
