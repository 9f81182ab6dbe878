#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/simulate/spi.h"

namespace unfold::simulate {

enum class SpiFormat {
  kCspi,  ///< one HDF5 file, skopi's and SpiniFEL's layout
  kEmc,   ///< Dragonfly's: OUTPUT, OUTPUT's stem + "-detector.h5" and ".ini"
};

struct SpiFileOptions {
  std::vector<std::string> pdb{};     ///< one molecule each
  std::vector<std::string> chains{};  ///< letters; none, one for all, or one for each of `pdb`
  std::string output = "patterns.h5";
  SpiFormat format = SpiFormat::kCspi;
  std::string truth{};     ///< empty: "truth-" + the output's stem + ".h5", beside it
  std::int64_t grid = 0;   ///< of the truth's volumes, odd; 0: box twice the molecules' diameter
  bool overwrite = false;  ///< else an existing file is an error
};

/// What was written, and what is in it.
struct SpiFiles {
  std::string data;
  std::string detector;  ///< with kEmc, as the next
  std::string config;
  std::string truth;
  std::int64_t frames = 0;
  std::int64_t pixels = 0;
  std::int64_t non_hits = 0;
  double photons = 0;     ///< mean of a frame, counted; 0: no noise
  double resolution = 0;  ///< of the farthest pixel, Angstrom
  double diameter = 0;    ///< of the largest molecule, Angstrom
  std::int64_t grid = 0;
  double voxel = 0;  ///< Angstrom
  std::vector<std::string> warnings;
};

/// Reads the molecules, simulates, and writes patterns and truth (docs/formats.md). Folders are
/// made. Errors: InvalidArgument with the option's name as field, AlreadyExists, or what reading or
/// writing gave.
absl::StatusOr<SpiFiles> simulate_spi(const SpiOptions& options, const SpiFileOptions& files);

}  // namespace unfold::simulate
