#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"

namespace unfold::imaging_data {

/// An axis of histpy's Histogram, or of cosipy's DRM group.
struct HistogramAxis {
  std::string label{};          ///< "NuLambda", "Ei", "Em", "Phi", "PsiChi", "Time", ...
  std::string unit{};           ///< empty: none given
  std::vector<double> edges{};  ///< [bins + 1], increasing
  int nside = 0;                ///< HEALPix; 0: an ordinary axis
  bool nested = false;
  std::string frame{};   ///< HEALPix: "galactic", "spacecraftframe"; empty: not given
  std::string object{};  ///< in the file, for messages

  std::int64_t bins() const { return static_cast<std::int64_t>(edges.size()) - 1; }
};

/// The axes in `group`, in the order of the contents: by number where their names are numbers
/// ("0", "1", ...), else in cosipy's own order of labels. Units must be those of their label (keV,
/// deg, s), HEALPix axes whole spheres: WRONG_UNIT, WRONG_AXIS name file and axis.
absl::StatusOr<std::vector<HistogramAxis>> read_axes(const hdf5::File& file,
                                                     const std::string& group);

/// WRONG_AXIS, naming `b`, where two axes of one label differ: edges beyond 1e-9, pixelisation, or
/// frames that are both given.
absl::Status same_axis(const hdf5::File& file, const HistogramAxis& a, const HistogramAxis& b);

/// "cannot read "FILE" (OBJECT: why)", WRONG_AXIS.
absl::Status wrong_axis(const hdf5::File& file, const std::string& object, std::string why,
                        std::string remedy = "check how the file was made");

}  // namespace unfold::imaging_data
