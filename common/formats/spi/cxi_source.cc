#include "common/formats/spi/cxi_source.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/cspi_detector.h"

namespace unfold::spi_data {
namespace {

constexpr double kPlanckLight = 12398.419843320026;  // eV Angstrom
constexpr double kElectronVolt = 1.602176634e-19;    // J
constexpr std::int64_t kMostFrames = std::int64_t{1} << 31;
constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;
constexpr const char* kData[] = {"entry_1/data_1/data", "entry_1/instrument_1/detector_1/data"};
constexpr const char* kMasks[] = {"entry_1/instrument_1/detector_1/mask_shared",
                                  "entry_1/instrument_1/detector_1/mask", "entry_1/data_1/mask"};
constexpr char kEnergy[] = "entry_1/instrument_1/source_1/energy";
constexpr char kDistance[] = "entry_1/instrument_1/detector_1/distance";

absl::StatusOr<std::string> first_of(const hdf5::File& file, const std::string& asked,
                                     std::span<const char* const> usual) {
  std::vector<std::string> paths(usual.begin(), usual.end());
  if (!asked.empty()) paths = {asked};
  for (const std::string& path : paths) {
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(path));
    if (kind == hdf5::ObjectKind::kDataset) return path;
  }
  return asked.empty() ? std::string() : asked;
}

// The mean of a dataset of one number or one a frame.
absl::StatusOr<std::optional<double>> mean_of(const hdf5::File& file, const std::string& path,
                                              std::vector<std::string>& warnings) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(path));
  if (kind == hdf5::ObjectKind::kNone) return std::optional<double>();
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset(path));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values, dataset.read_all<double>(kMostFrames));
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  if (!(mean > 0) || !std::isfinite(mean)) {
    return dataset.problem("BAD_VALUE", absl::StrCat("its mean is ", mean), "it must be positive");
  }
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*most - *least > 0.01 * mean) {
    warnings.push_back(absl::StrCat(path, " goes from ", *least, " to ", *most,
                                    ": its mean is taken for all frames"));
  }
  return std::optional<double>(mean);
}

absl::Status untold(const hdf5::File& file, const std::string& what, const std::string& remedy) {
  return error({.reason = "UNKNOWN_WAVELENGTH",
                .field = "detector",
                .what = absl::StrCat("cannot use \"", file.shown(), "\""),
                .why = absl::StrCat(what, " is told neither by the geometry nor by the data"),
                .remedy = remedy});
}

// eV
absl::StatusOr<double> energy_of(const hdf5::File& file, const Geometry& geometry,
                                 std::vector<std::string>& warnings) {
  const Quantity& told = geometry.photon_energy;
  const double scale = absl::AsciiStrToLower(told.unit) == "kev" ? 1000 : 1;
  if (told.path.empty() && told.value > 0) return told.value * scale;
  if (!told.path.empty()) {
    UNFOLD_ASSIGN_OR_RETURN(const auto energy, mean_of(file, told.path, warnings));
    if (energy) return *energy * scale;
  }
  UNFOLD_ASSIGN_OR_RETURN(const auto joule, mean_of(file, kEnergy, warnings));
  if (joule) return *joule / kElectronVolt;
  return untold(file, "the photon energy", "say photon_energy, in eV, in the geometry");
}

// m, for panels whose clen stands in the data; CrystFEL takes millimetres there.
absl::StatusOr<double> distance_of(const hdf5::File& file, const Geometry& geometry,
                                   std::vector<std::string>& warnings) {
  for (const Panel& panel : geometry.panels) {
    if (panel.clen.path.empty()) continue;
    UNFOLD_ASSIGN_OR_RETURN(const auto told, mean_of(file, panel.clen.path, warnings));
    if (told) return *told * (panel.clen.unit == "m" ? 1 : 1e-3);
    UNFOLD_ASSIGN_OR_RETURN(const auto metres, mean_of(file, kDistance, warnings));
    if (metres) return *metres;
    return untold(file, absl::StrCat("clen (", panel.clen.path, ")"), "say clen in metres");
  }
  return 0;
}

absl::Status apply_mask(const hdf5::File& file, const Geometry* geometry, Header& header,
                        Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(const std::string path,
                          first_of(file, geometry != nullptr ? geometry->mask_path : "", kMasks));
  if (path.empty()) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset(path));
  const std::vector<std::int64_t>& shape = dataset.info().shape;
  const std::int64_t pixels = detector.pixels();
  hdf5::Slab slab{std::vector<std::int64_t>(shape.size(), 0), shape};
  if (dataset.info().elements() != pixels) {
    if (shape.empty() || shape[0] != header.frames ||
        dataset.info().elements() != header.frames * pixels) {
      return dataset.problem(
          "WRONG_SHAPE",
          absl::StrCat("its shape is ", dataset.info().shape_text(), ", not that of a frame"));
    }
    slab.count[0] = 1;
    header.warnings.push_back(
        absl::StrCat(path, " has a mask a frame: the first one's goes for all"));
  }
  std::vector<std::int64_t> values(static_cast<std::size_t>(pixels));
  UNFOLD_RETURN_IF_ERROR(dataset.read(slab, std::span<std::int64_t>(values)));
  const bool told = geometry != nullptr && geometry->mask_told;
  for (std::size_t p = 0; p < values.size(); ++p) {
    const auto bits = static_cast<std::uint64_t>(values[p]);
    const bool bad = told ? (bits & geometry->mask_good) != geometry->mask_good ||
                                (bits & geometry->mask_bad) != 0
                          : bits != 0;
    if (bad) detector.mask[p] = kBad;
  }
  header.has_mask = true;
  return absl::OkStatus();
}

class CxiSource : public PatternSource {
 public:
  CxiSource(hdf5::File file, hdf5::Dataset frames, Header header, Detector detector,
            std::vector<float> adu)
      : file_(std::move(file)),
        frames_(std::move(frames)),
        header_(std::move(header)),
        detector_(std::move(detector)),
        adu_(std::move(adu)) {}

  const Header& header() const override { return header_; }
  absl::StatusOr<Detector> detector() const override { return detector_; }
  absl::StatusOr<Truth> truth() const override { return Truth{}; }
  std::string place_of(std::int64_t frame) const override {
    return absl::StrCat("\"", file_.shown(), "\" (", frames_.info().path, ", frame ", frame, ")");
  }

  absl::StatusOr<Block> read(std::int64_t first, std::int64_t count) const override {
    hdf5::Slab slab{std::vector<std::int64_t>(frames_.info().shape.size(), 0),
                    frames_.info().shape};
    slab.first[0] = first;
    slab.count[0] = count;
    Block out;
    out.dense.resize(static_cast<std::size_t>(count * header_.pixels()));
    UNFOLD_RETURN_IF_ERROR(frames_.read(slab, std::span<float>(out.dense)));
    for (std::size_t i = 0; i < out.dense.size() && !adu_.empty(); ++i) {
      const float adu = adu_[i % adu_.size()];
      // Less than half a photon, negative too, is none.
      if (adu > 0) out.dense[i] = std::max(std::floor(out.dense[i] / adu + 0.5F), 0.0F);
    }
    return out;
  }

 private:
  hdf5::File file_;
  hdf5::Dataset frames_;
  Header header_;
  Detector detector_;
  std::vector<float> adu_;  ///< [P], or empty
};

absl::Status take_shape(const hdf5::Dataset& frames, Header& header) {
  const std::vector<std::int64_t>& shape = frames.info().shape;
  if (shape.size() != 3 && shape.size() != 4) {
    return frames.problem("WRONG_SHAPE", absl::StrCat("its shape is ", frames.info().shape_text(),
                                                      ", not [N, ss, fs] or [N, panels, ss, fs]"));
  }
  header.frames = shape[0];
  header.shape = {shape.size() == 4 ? shape[1] : 1, shape[shape.size() - 2], shape.back()};
  if (header.frames < 1 || header.frames > kMostFrames) {
    return frames.problem("NO_FRAMES", absl::StrCat("it holds ", header.frames, " frames"),
                          "give a file with patterns");
  }
  if (header.pixels() < 1 || frames.info().elements() / header.frames > kMostPixels) {
    return frames.problem("WRONG_SHAPE", absl::StrCat("its shape is ", frames.info().shape_text()));
  }
  if (!frames.info().chunk.empty())
    header.chunk_frames = std::min(frames.info().chunk[0], shape[0]);
  return absl::OkStatus();
}

// The detector, and ADU a photon where they are told.
absl::StatusOr<std::pair<Detector, std::vector<float>>> place(const hdf5::File& file,
                                                              const CxiPlaces& places,
                                                              Header& header) {
  if (places.detector) {
    Detector out = *places.detector;
    if (out.pixels() != header.pixels()) {
      return error({.reason = "OTHER_DETECTOR",
                    .field = "detector",
                    .what = absl::StrCat("cannot read \"", file.shown(), "\""),
                    .why = absl::StrCat("its frames have ", header.pixels(),
                                        " pixels, the detector ", out.pixels()),
                    .remedy = "give the detector that these photons were counted with"});
    }
    out.shape = header.shape;
    return std::pair(std::move(out), std::vector<float>());
  }
  const Geometry& geometry = *places.geometry;
  UNFOLD_ASSIGN_OR_RETURN(const double energy, energy_of(file, geometry, header.warnings));
  UNFOLD_ASSIGN_OR_RETURN(const double distance, distance_of(file, geometry, header.warnings));
  UNFOLD_ASSIGN_OR_RETURN(Detector out, detector_of(geometry, places.file, header.shape,
                                                    kPlanckLight / energy, distance));
  std::vector<float> adu = adu_of(geometry, header.shape, energy);
  header.facts["photon_energy_eV"] = absl::StrCat(energy);
  header.facts["distance_m"] = absl::StrCat(out.distance);
  if (*std::max_element(adu.begin(), adu.end()) > 0) {
    header.photons = true;
  } else {
    adu.clear();
  }
  return std::pair(std::move(out), std::move(adu));
}

}  // namespace

absl::StatusOr<bool> is_cxi(const hdf5::File& file, const Geometry* geometry) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind entry, file.kind_of("entry_1"));
  if (entry == hdf5::ObjectKind::kGroup) return true;
  if (geometry == nullptr || geometry->panels.front().data.empty()) return false;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(geometry->panels.front().data));
  return kind == hdf5::ObjectKind::kDataset;
}

absl::StatusOr<std::unique_ptr<PatternSource>> open_cxi(const hdf5::File& file,
                                                        const CxiPlaces& places) {
  const Geometry* geometry = places.geometry ? &*places.geometry : nullptr;
  UNFOLD_ASSIGN_OR_RETURN(
      std::string path,
      first_of(file, geometry != nullptr ? geometry->panels.front().data : "", kData));
  if (path.empty()) path = kData[0];
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset frames, file.dataset(path));
  Header header;
  header.format = Format::kCxi;
  header.stored_bytes = file.size_bytes();
  header.photons = frames.info().kind == hdf5::Kind::kInteger;
  if (geometry != nullptr) header.warnings = geometry->warnings;
  UNFOLD_RETURN_IF_ERROR(take_shape(frames, header));
  UNFOLD_ASSIGN_OR_RETURN(auto placed, place(file, places, header));
  UNFOLD_RETURN_IF_ERROR(apply_mask(file, geometry, header, placed.first));
  UNFOLD_RETURN_IF_ERROR(check_some_good(placed.first, file.shown()));
  header.has_correction = true;
  header.facts["dataset"] = path;
  return std::make_unique<CxiSource>(file, std::move(frames), std::move(header),
                                     std::move(placed.first), std::move(placed.second));
}

}  // namespace unfold::spi_data
