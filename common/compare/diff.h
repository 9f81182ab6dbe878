#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/fits/frame.h"

namespace unfold::compare {

/// Largest differences that still count as the same. Bins whose ivar is at most `ivar_floor` of the
/// median positive ivar in both files carry no information; their flux and resolution are not
/// compared.
struct Tolerances {
  double flux_sigma = 1e-4;  ///< |flux_a - flux_b| * sqrt(ivar_a)
  double ivar = 1e-5;        ///< relative
  double resolution = 1e-6;  ///< absolute
  double chi2pix = 1e-3;     ///< relative
  double wavelength = 1e-6;  ///< Angstrom
  double ivar_floor = 1e-6;
  std::int64_t mask_bins = 0;  ///< bins whose mask may differ
};

/// One quantity of two products. `largest` is in the unit of its tolerance.
struct Difference {
  std::string name;  ///< "FLUX", "IVAR", ...
  std::int64_t compared = 0;
  double largest = 0;  ///< infinite where one side is not finite
  double rms = 0;
  double tolerance = 0;
  int fibre = -1;  ///< where the largest is: row and bin, -1: nowhere
  int bin = -1;
  bool within = true;
};

/// Two frame files compared. `same` is the verdict: the same layout, every quantity within its
/// tolerance, no header card different but the provenance ones (dates, checksums, versions,
/// digests, file names), which are not listed.
struct FrameDifference {
  bool same = true;
  std::vector<std::string> layout;  ///< HDUs absent in one, shapes or types that differ, one a line
  std::vector<Difference> quantities;
  std::vector<std::string> cards;  ///< "FLUX NSPEC: 25 / 50", one a line
};

/// Reads both files. Errors: what reading gave, with the file's name in it.
absl::StatusOr<FrameDifference> diff_frames(const std::string& a, const std::string& b,
                                            const Tolerances& tolerances);

/// The numbers alone, of frames in memory: neither layout nor cards, but for the shape.
FrameDifference diff_frames(const fits::Frame& a, const fits::Frame& b,
                            const Tolerances& tolerances);

/// A table for people, and one JSON object for programs (infinite numbers as null).
std::string to_text(const FrameDifference& difference);
std::string to_json(const FrameDifference& difference);

}  // namespace unfold::compare
