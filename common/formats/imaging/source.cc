#include "common/formats/imaging/source.h"

#include <algorithm>
#include <numeric>

#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/hdf5_source.h"
#include "common/formats/imaging/histpy_source.h"
#include "common/formats/imaging/raw_source.h"

namespace unfold::imaging_data {

std::int64_t BackgroundTemplate::bytes() const {
  return static_cast<std::int64_t>((full.size() + spectrum.size() + scale.size()) * sizeof(double));
}

double BackgroundTemplate::at(std::int64_t time, std::int32_t bin) const {
  if (full.empty()) {
    return spectrum[static_cast<std::size_t>(bin)] * scale[static_cast<std::size_t>(time)];
  }
  return full[static_cast<std::size_t>(time * bins + bin)];
}

std::vector<double> BackgroundTemplate::sums() const {
  std::vector<double> out = scale;
  if (full.empty()) {
    const double whole = std::accumulate(spectrum.begin(), spectrum.end(), 0.0);
    for (double& value : out) value *= whole;
    return out;
  }
  for (auto row = full.begin(); row != full.end(); row += bins) {
    out.push_back(std::accumulate(row, row + bins, 0.0));
  }
  return out;
}

std::int64_t bytes_of_backgrounds(const Header& header, const std::vector<std::string>& names) {
  std::int64_t out = 0;
  for (std::size_t i = 0; i < header.backgrounds.size(); ++i) {
    const bool asked = std::find(names.begin(), names.end(), header.backgrounds[i]) != names.end();
    if (asked) out += header.background_bytes[i];
  }
  return out;
}

absl::StatusOr<std::unique_ptr<Source>> open_source(const SourceFiles& files,
                                                    const Binning& binning) {
  UNFOLD_ASSIGN_OR_RETURN(const bool tree, hdf5::is_hdf5(files.data.path, files.data.shown));
  if (!tree) return open_raw_source(files, binning);
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File data,
                          hdf5::File::open(files.data.path, files.data.shown));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind ours, data.kind_of("in"));
  return ours == hdf5::ObjectKind::kGroup ? open_hdf5_source(files)
                                          : open_histpy_source(files, binning);
}

}  // namespace unfold::imaging_data
