#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/writer.h"
#include "common/formats/spi/pattern_file.h"
#include "common/formats/spi/raw_bytes.h"

namespace unfold::spi_data {
namespace {

constexpr std::size_t kHeaderBytes = 1024;

absl::Status refused(const std::string& reason, const std::string& why) {
  return error({.reason = reason,
                .what = "cannot write Dragonfly's files",
                .why = why,
                .remedy = "write cspi"});
}

void append(std::string& to, std::uint32_t value) {
  const std::size_t place = to.size();
  to.resize(place + 4);
  store_little(to, place, value);
}

// The distance in pixels: places of the picture against tangents, a straight line through both.
absl::StatusOr<double> distance_in_pixels(const Detector& detector) {
  if (!(detector.wavelength > 0)) {
    return refused("UNKNOWN_WAVELENGTH", "the detector's wavelength is not known");
  }
  const std::size_t pixels = detector.mask.size();
  double above = 0;
  double below = 0;
  for (std::size_t k = 0; k < 2 && detector.picture.size() == 2 * pixels; ++k) {
    double mean_place = 0;
    double mean_tangent = 0;
    const auto tangent = [&](std::size_t p) {
      return detector.q[3 * p + k] / (1 / detector.wavelength + detector.q[3 * p + 2]);
    };
    for (std::size_t p = 0; p < pixels; ++p) {
      mean_place += detector.picture[2 * p + k] / static_cast<double>(pixels);
      mean_tangent += tangent(p) / static_cast<double>(pixels);
    }
    for (std::size_t p = 0; p < pixels; ++p) {
      const double t = tangent(p) - mean_tangent;
      above += t * (detector.picture[2 * p + k] - mean_place);
      below += t * t;
    }
  }
  if (above > 0 && below > 0) return above / below;
  return refused("WRONG_SHAPE", "the picture does not tell the size of a pixel");
}

absl::Status write_tree(const std::string& path, const Detector& detector, double distance) {
  const auto pixels = static_cast<std::int64_t>(detector.mask.size());
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  std::size_t axis = 0;
  for (const char* name : {"qx", "qy", "qz"}) {
    std::vector<double> q;
    for (std::size_t p = 0; p < detector.mask.size(); ++p) {
      q.push_back(detector.q[3 * p + axis] * detector.wavelength * distance);
    }
    UNFOLD_RETURN_IF_ERROR(writer.dataset(name, {pixels}, std::span<const double>(q)));
    ++axis;
  }
  const std::vector<double> correction(detector.correction.begin(), detector.correction.end());
  UNFOLD_RETURN_IF_ERROR(writer.dataset("corr", {pixels}, std::span<const double>(correction)));
  UNFOLD_RETURN_IF_ERROR(
      writer.dataset("mask", {pixels}, std::span<const std::uint8_t>(detector.mask)));
  UNFOLD_RETURN_IF_ERROR(writer.dataset("detd", {}, std::span<const double>(&distance, 1)));
  UNFOLD_RETURN_IF_ERROR(writer.dataset("ewald_rad", {}, std::span<const double>(&distance, 1)));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "wavelength_A", detector.wavelength));
  return writer.finish();
}

std::string text_of(const Detector& detector, double distance) {
  std::string out = absl::StrFormat("%d %.9g %.9g %.9g\n", detector.mask.size(), distance, distance,
                                    detector.wavelength);
  const double scale = detector.wavelength * distance;
  for (std::size_t p = 0; p < detector.mask.size(); ++p) {
    const double* q = detector.q.data() + 3 * p;
    absl::StrAppendFormat(&out, "%21.15e %21.15e %21.15e %21.15e %d\n", scale * q[0], scale * q[1],
                          scale * q[2], detector.correction[p], detector.mask[p]);
  }
  return out;
}

}  // namespace

absl::Status write_emc(const std::string& path, const PatternParts& parts) {
  const auto pixels = static_cast<std::size_t>(parts.detector.pixels());
  const auto frames = static_cast<std::size_t>(parts.frames);
  if (frames == 0 || parts.counts.size() != frames * pixels) {
    return refused("WRONG_SHAPE", absl::StrCat(parts.counts.size(), " photon counts for ", frames,
                                               " frames of ", pixels, " pixels"));
  }
  std::string header;
  std::string multi_lengths;
  std::string ones;
  std::string multi;
  std::string counts;
  append(header, static_cast<std::uint32_t>(frames));
  append(header, static_cast<std::uint32_t>(pixels));
  header.resize(kHeaderBytes);
  for (std::size_t f = 0; f < frames; ++f) {
    const std::size_t before_ones = ones.size();
    const std::size_t before_multi = multi.size();
    for (std::size_t p = 0; p < pixels; ++p) {
      const std::uint16_t count = parts.counts[f * pixels + p];
      if (count == 1) append(ones, static_cast<std::uint32_t>(p));
      if (count < 2) continue;
      append(multi, static_cast<std::uint32_t>(p));
      append(counts, count);
    }
    append(header, static_cast<std::uint32_t>((ones.size() - before_ones) / 4));
    append(multi_lengths, static_cast<std::uint32_t>((multi.size() - before_multi) / 4));
  }
  return write_file(path, absl::StrCat(header, multi_lengths, ones, multi, counts));
}

absl::Status write_dragonfly_detector(const std::string& path, const Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(const double distance, distance_in_pixels(detector));
  if (absl::EndsWith(path, ".h5")) return write_tree(path, detector, distance);
  return write_file(path, text_of(detector, distance));
}

std::string config_text(const std::string& photons, const std::string& detector,
                        const Detector& geometry) {
  const auto distance = distance_in_pixels(geometry);
  std::string out = "[parameters]\n";
  absl::StrAppendFormat(&out, "lambda = %.9g\n", geometry.wavelength);
  if (distance.ok() && geometry.distance > 0) {
    absl::StrAppendFormat(&out, "detd = %.9g\npixsize = %.9g\n", 1e3 * geometry.distance,
                          1e3 * geometry.distance / *distance);
  }
  absl::StrAppend(&out, "detsize = ", geometry.shape[0] * geometry.shape[1], " ", geometry.shape[2],
                  "\nstoprad = 0\npolarization = x\n\n[emc]\nin_photons_file = ", photons,
                  "\nin_detector_file = ", detector,
                  "\nnum_div = 6\noutput_folder = data/\nlog_file = EMC.log\nneed_scaling = 1\n"
                  "beta_schedule = 1.3 2\n");
  return out;
}

}  // namespace unfold::spi_data
