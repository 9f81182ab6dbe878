#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/simulate/imaging.h"
#include "common/simulate/raw_imaging.h"

namespace unfold::simulate {

struct ImagingFileOptions {
  std::string output = "imaging.h5";  ///< the problem; its folder is made if absent
  std::string response{};             ///< the response's own HDF5; empty: inside `output`
  std::string raw_folder{};           ///< write the Data Challenge's files there too
  bool events = false;                ///< counts as a list, not as a dense array
  bool overwrite = false;             ///< else an existing file is an error
};

/// What was written, and what is in it.
struct ImagingFiles {
  std::string data;
  std::string response;  ///< empty: inside `data`
  RawImagingFiles raw;   ///< empty names where not asked for
  std::int64_t time_bins = 0;
  std::int64_t pointings = 0;
  std::int64_t pixels = 0;
  std::int64_t bins = 0;
  std::int64_t counts = 0;
  double source_counts = 0;        ///< expected
  double flux = 0;                 ///< of the whole sky, cm-2 s-1
  std::vector<double> amplitudes;  ///< true, of background_live, for each group
};

/// Simulates and writes a problem (docs/formats.md). Errors: InvalidArgument with the option's name
/// as field, AlreadyExists, or what writing gave.
absl::StatusOr<ImagingFiles> simulate_imaging(const ImagingOptions& options,
                                              const ImagingFileOptions& files);

}  // namespace unfold::simulate
