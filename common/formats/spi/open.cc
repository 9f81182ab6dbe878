#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/cspi_source.h"
#include "common/formats/spi/cxi_source.h"
#include "common/formats/spi/dragonfly_detector.h"
#include "common/formats/spi/emc_source.h"
#include "common/formats/spi/emc_tree.h"
#include "common/formats/spi/geometry.h"
#include "common/formats/spi/joined_source.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {
namespace {

absl::Status unknown(const std::string& shown, const std::string& why) {
  return error({.reason = "WRONG_FORMAT",
                .what = absl::StrCat("cannot read \"", shown, "\""),
                .why = why,
                .remedy = "give patterns: cspi HDF5, Dragonfly's .emc or .h5, or CXI"});
}

// The detector of a job, read once, where its files need one.
class GivenDetector {
 public:
  explicit GivenDetector(const PatternFiles& files) : files_(files) {}

  /// The geometry, or none where another kind of detector is given, or none at all.
  absl::StatusOr<const Geometry*> geometry() {
    if (!looked_ && !files_.detector.path.empty()) {
      UNFOLD_ASSIGN_OR_RETURN(const bool text, is_geometry(files_.detector));
      if (text) {
        UNFOLD_ASSIGN_OR_RETURN(geometry_, read_geometry(files_.detector));
      }
    }
    looked_ = true;
    return geometry_ ? &*geometry_ : nullptr;
  }

  absl::StatusOr<const Detector*> dragonfly(const NamedFile& data) {
    if (files_.detector.path.empty()) {
      return error(
          {.reason = "INPUT_NOT_FOUND",
           .field = "detector",
           .what = absl::StrCat("cannot use \"", data.shown, "\""),
           .why = "Dragonfly's photons, if it is such a file, come without a detector",
           .remedy = "name the detector file or the config.ini, or give cspi HDF5 or CXI"});
    }
    if (!detector_) {
      UNFOLD_ASSIGN_OR_RETURN(detector_,
                              read_dragonfly_detector(files_.detector, files_.wavelength));
    }
    return &*detector_;
  }

  absl::StatusOr<CxiPlaces> places(const NamedFile& data) {
    CxiPlaces out{.file = files_.detector};
    UNFOLD_ASSIGN_OR_RETURN(const Geometry* told, geometry());
    if (told != nullptr) {
      out.geometry = *told;
      return out;
    }
    UNFOLD_ASSIGN_OR_RETURN(const Detector* read, dragonfly(data));
    out.detector = *read;
    return out;
  }

 private:
  const PatternFiles& files_;
  bool looked_ = false;
  std::optional<Geometry> geometry_;
  std::optional<Detector> detector_;
};

absl::StatusOr<std::unique_ptr<PatternSource>> open_tree(const NamedFile& data,
                                                         GivenDetector& given) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(data.path, data.shown));
  UNFOLD_ASSIGN_OR_RETURN(const bool emc, is_emc_tree(file));
  if (emc) {
    UNFOLD_ASSIGN_OR_RETURN(const Detector* detector, given.dragonfly(data));
    return open_emc_tree(file, *detector);
  }
  UNFOLD_ASSIGN_OR_RETURN(const Geometry* geometry, given.geometry());
  UNFOLD_ASSIGN_OR_RETURN(const bool cxi, is_cxi(file, geometry));
  if (cxi) {
    UNFOLD_ASSIGN_OR_RETURN(const CxiPlaces places, given.places(data));
    return open_cxi(file, places);
  }
  UNFOLD_ASSIGN_OR_RETURN(const bool cspi, is_cspi(file));
  if (cspi) return open_cspi(file);
  UNFOLD_ASSIGN_OR_RETURN(std::vector<hdf5::Child> children, file.children("/"));
  children.resize(std::min<std::size_t>(children.size(), 8));
  const std::string names = absl::StrJoin(
      children, ", ",
      [](std::string* out, const hdf5::Child& child) { absl::StrAppend(out, child.name); });
  return unknown(data.shown, absl::StrCat("this HDF5 file holds no patterns that are known, only ",
                                          names.empty() ? "nothing" : names));
}

absl::StatusOr<std::unique_ptr<PatternSource>> open_one(const NamedFile& data,
                                                        GivenDetector& given) {
  UNFOLD_ASSIGN_OR_RETURN(const bool tree, hdf5::is_hdf5(data.path, data.shown));
  if (tree) return open_tree(data, given);
  UNFOLD_ASSIGN_OR_RETURN(const Detector* detector, given.dragonfly(data));
  return open_emc(data, *detector);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PatternSource>> open_patterns(const PatternFiles& files) {
  if (files.data.empty()) {
    return error({.reason = "INPUT_NOT_FOUND",
                  .field = "data",
                  .what = "there are no patterns",
                  .why = "no data file is named",
                  .remedy = "name at least one"});
  }
  GivenDetector given(files);
  std::vector<JoinedSource::Part> parts;
  for (const NamedFile& data : files.data) {
    UNFOLD_ASSIGN_OR_RETURN(std::unique_ptr<PatternSource> source, open_one(data, given));
    parts.push_back({data.shown, std::move(source)});
  }
  if (parts.size() == 1) return std::move(parts.front().source);
  return JoinedSource::join(std::move(parts));
}

}  // namespace unfold::spi_data
