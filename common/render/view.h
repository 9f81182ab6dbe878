#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::render {

struct ViewOptions {
  std::string truth{};        ///< frame only: truth file of the simulator; adds a panel of pulls
  std::string image{};        ///< frame only: the preproc image it was made from, drawn above it
  std::vector<int> fibres{};  ///< frame: which to draw as curves; PSF: whose stamps; empty: a few
  int width = 1400;           ///< pixels of the PNG, 900 .. 8192
};

/// What was drawn.
struct Viewed {
  std::string
      kind;  ///< "preproc", "frame", "psf", "map", "problem", "density", "volume" or "patterns"
  int width = 0;
  int height = 0;
};

/// Draws the FITS (.gz too), HDF5 or MRC file `path` as a PNG at `png`, which is replaced if it
/// exists. The file's content decides what is drawn: an image with its masked pixels; a frame's
/// flux as an image, a few spectra and, with a truth file, their pulls; a PSF's stamps over the
/// CCD; a sky map with its exposure and convergence; an imaging problem's truth and exposure; a
/// density's slices and correlations (also of MRC); or diffraction patterns' mean, mask and
/// resolution. Errors: InvalidArgument for a file that is none of these, or what reading or writing
/// gave.
absl::StatusOr<Viewed> view(const std::string& path, const std::string& png,
                            const ViewOptions& options);

}  // namespace unfold::render
