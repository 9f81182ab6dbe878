#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/writer.h"
#include "common/formats/spi/pattern_file.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;
constexpr double kMetres = 1e10;  // 1/m in 1/Angstrom

absl::Status check(const PatternParts& parts) {
  const Detector& detector = parts.detector;
  const std::int64_t pixels = detector.pixels();
  const auto values = static_cast<std::int64_t>(parts.intensities.size() + parts.counts.size());
  const std::int64_t told = detector.shape[0] * detector.shape[1] * detector.shape[2];
  const bool fits = pixels > 0 && told == pixels && values == parts.frames * pixels &&
                    (parts.intensities.empty() || parts.counts.empty()) &&
                    detector.q.size() == 3 * detector.mask.size() &&
                    detector.correction.size() == detector.mask.size();
  if (fits) return absl::OkStatus();
  return error({.reason = "WRONG_SHAPE",
                .what = "cannot write the patterns",
                .why = absl::StrCat(values, " values, ", parts.frames, " frames, ", pixels,
                                    " pixels and a detector of ", told)});
}

std::vector<std::int64_t> with_frame(std::vector<std::int64_t> front, const Detector& detector) {
  front.insert(front.end(), detector.shape.begin(), detector.shape.end());
  return front;
}

template <class T>
absl::Status write_frames(hdf5::Writer& writer, const std::string& name, const PatternParts& parts,
                          const std::vector<T>& values, int deflate) {
  const std::vector<std::int64_t> shape = with_frame({parts.frames}, parts.detector);
  const std::int64_t frame_bytes = parts.detector.pixels() * static_cast<std::int64_t>(sizeof(T));
  std::vector<std::int64_t> chunk = shape;
  chunk[0] = std::clamp<std::int64_t>(kChunkBytes / frame_bytes, 1, parts.frames);
  return writer.dataset(name, shape, std::span<const T>(values), {chunk, deflate});
}

absl::Status write_q(hdf5::Writer& writer, const Detector& detector) {
  const std::size_t pixels = detector.mask.size();
  std::vector<double> planes(3 * pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t k = 0; k < 3; ++k) planes[k * pixels + p] = kMetres * detector.q[3 * p + k];
  }
  constexpr char kQ[] = "pixel_position_reciprocal";
  UNFOLD_RETURN_IF_ERROR(
      writer.dataset(kQ, with_frame({3}, detector), std::span<const double>(planes)));
  return writer.attribute(kQ, "unit", std::string("1/m"));
}

absl::Status write_detector(hdf5::Writer& writer, const Detector& detector) {
  UNFOLD_RETURN_IF_ERROR(write_q(writer, detector));
  const std::vector<std::int64_t> plane = with_frame({}, detector);
  UNFOLD_RETURN_IF_ERROR(
      writer.dataset("mask", plane, std::span<const std::uint8_t>(detector.mask)));
  UNFOLD_RETURN_IF_ERROR(
      writer.attribute("mask", "classes", std::string("0 good, 1 merged only, 2 bad")));
  // The product is what is applied; which part of it is polarization is not known here.
  UNFOLD_RETURN_IF_ERROR(
      writer.dataset("solid_angle", plane, std::span<const float>(detector.correction)));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("solid_angle", "meaning",
                                          std::string("solid angle x polarization, largest 1")));
  if (!detector.picture.empty()) {
    std::vector<std::int64_t> shape = plane;
    shape.push_back(2);
    UNFOLD_RETURN_IF_ERROR(
        writer.dataset("pixel_index_map", shape, std::span<const std::int32_t>(detector.picture)));
  }
  if (detector.wavelength > 0) {
    UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "wavelength_A", detector.wavelength));
  }
  if (detector.distance > 0) {
    UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "distance_m", detector.distance));
  }
  return absl::OkStatus();
}

absl::Status write_truth(hdf5::Writer& writer, const Truth& truth) {
  const auto count = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
  if (!truth.orientations.empty()) {
    std::vector<double> flat;
    for (const auto& turn : truth.orientations) flat.insert(flat.end(), turn.begin(), turn.end());
    UNFOLD_RETURN_IF_ERROR(writer.dataset("orientations", {count(truth.orientations), 1, 4},
                                          std::span<const double>(flat)));
  }
  if (!truth.fluences.empty()) {
    UNFOLD_RETURN_IF_ERROR(writer.dataset("fluences", {count(truth.fluences)},
                                          std::span<const double>(truth.fluences)));
  }
  if (!truth.conformations.empty()) {
    UNFOLD_RETURN_IF_ERROR(writer.dataset("conformation", {count(truth.conformations)},
                                          std::span<const std::int32_t>(truth.conformations)));
  }
  if (truth.non_hits.empty()) return absl::OkStatus();
  return writer.dataset("non_hit", {count(truth.non_hits)},
                        std::span<const std::uint8_t>(truth.non_hits));
}

}  // namespace

absl::Status write_cspi(const std::string& path, const PatternParts& parts) {
  UNFOLD_RETURN_IF_ERROR(check(parts));
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  UNFOLD_RETURN_IF_ERROR(parts.counts.empty()
                             ? write_frames(writer, "intensities", parts, parts.intensities, 0)
                             : write_frames(writer, "photons", parts, parts.counts, 1));
  UNFOLD_RETURN_IF_ERROR(write_detector(writer, parts.detector));
  UNFOLD_RETURN_IF_ERROR(write_truth(writer, parts.truth));
  if (!parts.background.empty()) {
    UNFOLD_RETURN_IF_ERROR(writer.dataset("background", with_frame({}, parts.detector),
                                          std::span<const double>(parts.background)));
  }
  if (!parts.title.empty()) UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "doc", parts.title));
  return writer.finish();
}

}  // namespace unfold::spi_data
