#include "common/formats/spi/cspi_source.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/cspi_detector.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kMostFrames = std::int64_t{1} << 31;
constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

absl::StatusOr<bool> has(const hdf5::File& file, const std::string& name) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(name));
  return kind == hdf5::ObjectKind::kDataset;
}

// [N, ...] with any number of axes of one element after the first.
bool one_a_frame(const hdf5::Dataset& dataset, std::int64_t frames, std::int64_t each) {
  const std::vector<std::int64_t>& shape = dataset.info().shape;
  return !shape.empty() && shape[0] == frames && dataset.info().elements() == frames * each;
}

absl::StatusOr<std::optional<std::vector<double>>> numbers(const hdf5::File& file,
                                                           const std::string& name,
                                                           std::int64_t frames, std::int64_t each) {
  UNFOLD_ASSIGN_OR_RETURN(const bool there, has(file, name));
  if (!there) return std::optional<std::vector<double>>();
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset(name));
  if (!one_a_frame(dataset, frames, each)) {
    return dataset.problem(
        "WRONG_SHAPE", absl::StrCat("its shape is ", dataset.info().shape_text(), ", not ", each,
                                    " for each of ", frames, " frames"));
  }
  UNFOLD_ASSIGN_OR_RETURN(std::vector<double> out, dataset.read_all<double>(kMostFrames * each));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (std::isfinite(out[i])) continue;
    return dataset.problem(
        "BAD_VALUE", absl::StrCat("frame ", static_cast<std::int64_t>(i) / each, " has ", out[i]));
  }
  return std::optional<std::vector<double>>(std::move(out));
}

class CspiSource : public PatternSource {
 public:
  CspiSource(hdf5::File file, hdf5::Dataset frames, Header header, Detector detector)
      : file_(std::move(file)),
        frames_(std::move(frames)),
        header_(std::move(header)),
        detector_(std::move(detector)) {}

  const Header& header() const override { return header_; }
  absl::StatusOr<Detector> detector() const override { return detector_; }

  absl::StatusOr<Block> read(std::int64_t first, std::int64_t count) const override {
    const std::vector<std::int64_t>& shape = frames_.info().shape;
    hdf5::Slab slab{std::vector<std::int64_t>(shape.size(), 0), shape};
    slab.first[0] = first;
    slab.count[0] = count;
    Block out;
    out.dense.resize(static_cast<std::size_t>(count * header_.pixels()));
    UNFOLD_RETURN_IF_ERROR(frames_.read(slab, std::span<float>(out.dense)));
    return out;
  }

  absl::StatusOr<Truth> truth() const override {
    Truth out;
    const std::int64_t frames = header_.frames;
    UNFOLD_ASSIGN_OR_RETURN(const auto turns, numbers(file_, "orientations", frames, 4));
    for (std::size_t i = 0; turns && i < turns->size(); i += 4) {
      out.orientations.push_back({(*turns)[i], (*turns)[i + 1], (*turns)[i + 2], (*turns)[i + 3]});
    }
    for (const char* name : {"fluences", "fluences_true"}) {
      UNFOLD_ASSIGN_OR_RETURN(auto fluences, numbers(file_, name, frames, 1));
      if (fluences) out.fluences = *std::move(fluences);
    }
    UNFOLD_ASSIGN_OR_RETURN(const auto kinds, numbers(file_, "conformation", frames, 1));
    for (std::size_t i = 0; kinds && i < kinds->size(); ++i) {
      out.conformations.push_back(static_cast<std::int32_t>(std::clamp((*kinds)[i], -1.0, 1e6)));
    }
    UNFOLD_ASSIGN_OR_RETURN(const auto misses, numbers(file_, "non_hit", frames, 1));
    for (std::size_t i = 0; misses && i < misses->size(); ++i) {
      out.non_hits.push_back((*misses)[i] != 0 ? 1 : 0);
    }
    return out;
  }

  std::string place_of(std::int64_t frame) const override {
    return absl::StrCat("\"", file_.shown(), "\" (", frames_.info().path, ", frame ", frame, ")");
  }

 private:
  hdf5::File file_;
  hdf5::Dataset frames_;
  Header header_;
  Detector detector_;
};

absl::StatusOr<hdf5::Dataset> frames_of(const hdf5::File& file, Header& header) {
  UNFOLD_ASSIGN_OR_RETURN(const bool photons, has(file, "photons"));
  UNFOLD_ASSIGN_OR_RETURN(const bool intensities, has(file, "intensities"));
  if (photons && intensities) {
    header.warnings.push_back("both photons and intensities are there: photons are used");
  }
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset out, file.dataset(photons ? "photons" : "intensities"));
  header.photons = out.info().kind == hdf5::Kind::kInteger;
  return out;
}

absl::Status take_shape(const hdf5::Dataset& frames, Header& header) {
  const std::vector<std::int64_t>& shape = frames.info().shape;
  if (shape.size() < 2 || shape.size() > 4) {
    return frames.problem("WRONG_SHAPE", absl::StrCat("its shape is ", frames.info().shape_text(),
                                                      ", not [N, panels, rows, columns]"));
  }
  header.frames = shape[0];
  header.shape = {1, 1, 1};
  std::copy(shape.begin() + 1, shape.end(),
            header.shape.end() - static_cast<std::ptrdiff_t>(shape.size() - 1));
  if (header.frames < 1 || header.frames > kMostFrames) {
    return frames.problem("NO_FRAMES", absl::StrCat("it holds ", header.frames, " frames"),
                          "give a file with patterns");
  }
  if (frames.info().elements() / header.frames > kMostPixels || header.pixels() < 1) {
    return frames.problem("WRONG_SHAPE", absl::StrCat("its shape is ", frames.info().shape_text(),
                                                      ": frames of too many pixels, or of none"));
  }
  if (!frames.info().chunk.empty())
    header.chunk_frames = std::min(frames.info().chunk[0], shape[0]);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> is_cspi(const hdf5::File& file) {
  UNFOLD_ASSIGN_OR_RETURN(const bool q, has(file, "pixel_position_reciprocal"));
  UNFOLD_ASSIGN_OR_RETURN(const bool photons, has(file, "photons"));
  UNFOLD_ASSIGN_OR_RETURN(const bool intensities, has(file, "intensities"));
  return q || photons || intensities;
}

absl::StatusOr<std::unique_ptr<PatternSource>> open_cspi(const hdf5::File& file) {
  Header header;
  header.format = Format::kCspi;
  header.stored_bytes = file.size_bytes();
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset frames, frames_of(file, header));
  UNFOLD_RETURN_IF_ERROR(take_shape(frames, header));
  UNFOLD_ASSIGN_OR_RETURN(Detector detector,
                          read_cspi_detector(file, header.shape, header.warnings));
  for (const auto& [name, flag] :
       {std::pair{"mask", &header.has_mask}, std::pair{"valid", &header.has_mask},
        std::pair{"solid_angle", &header.has_correction},
        std::pair{"polarization", &header.has_correction},
        std::pair{"fluences", &header.has_fluences},
        std::pair{"fluences_true", &header.has_fluences},
        std::pair{"orientations", &header.has_truth}}) {
    UNFOLD_ASSIGN_OR_RETURN(const bool there, has(file, name));
    *flag = *flag || there;
  }
  header.facts["dataset"] = frames.info().path;
  return std::make_unique<CspiSource>(file, std::move(frames), std::move(header),
                                      std::move(detector));
}

}  // namespace unfold::spi_data
