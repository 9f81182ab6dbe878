#include "common/formats/spi/dragonfly_detector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/text_lines.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/cspi_detector.h"
#include "common/formats/spi/reduction.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

// A detector as its file has it, q in voxels.
struct Raw {
  Detector detector;
  double distance = 0;  ///< in pixels
  double radius = 0;    ///< of the Ewald sphere, in voxels
};

absl::Status refused(const NamedFile& file, const std::string& reason, const std::string& why,
                     const std::string& remedy) {
  return error({.reason = reason,
                .field = "detector",
                .what = absl::StrCat("cannot use the detector \"", file.shown, "\""),
                .why = why,
                .remedy = remedy});
}

bool in_range(double value, double least, double most) { return value >= least && value <= most; }

absl::StatusOr<std::int64_t> read_head(cosi::TextLines& lines, Raw& out) {
  std::string_view line;
  UNFOLD_ASSIGN_OR_RETURN(const bool some, lines.next(line));
  const std::vector<std::string_view> words = cosi::words_of(line);
  std::vector<double> numbers(4);
  bool good = some && !words.empty() && words.size() <= 4;
  for (std::size_t i = 0; good && i < words.size(); ++i) {
    good = cosi::parse_number(words[i], numbers[i]);
  }
  if (!good || !in_range(numbers[0], 1, static_cast<double>(kMostPixels)) ||
      numbers[0] != std::floor(numbers[0])) {
    return lines.wrong("BAD_DETECTOR",
                       "it is not \"pixels distance radius\": numbers of pixels, of the distance "
                       "in pixels and of the Ewald sphere's radius in voxels",
                       "give a Dragonfly detector file, or a CrystFEL .geom");
  }
  out.distance = numbers[1];
  out.radius = numbers[2];
  out.detector.wavelength = std::max(numbers[3], 0.0);
  return static_cast<std::int64_t>(numbers[0]);
}

absl::Status read_pixel(std::string_view line, const cosi::TextLines& lines, Detector& out) {
  const std::vector<std::string_view> words = cosi::words_of(line);
  std::array<double, 5> numbers{};
  bool good = words.size() == numbers.size();
  for (std::size_t i = 0; good && i < numbers.size(); ++i) {
    good = cosi::parse_number(words[i], numbers[i]);
  }
  if (!good || (numbers[4] != kGood && numbers[4] != kMergeOnly && numbers[4] != kBad)) {
    return lines.wrong("BAD_DETECTOR", "it is not \"qx qy qz correction class\", class 0, 1 or 2",
                       "correct that pixel");
  }
  out.q.insert(out.q.end(), {numbers[0], numbers[1], numbers[2]});
  out.correction.push_back(static_cast<float>(numbers[3]));
  out.mask.push_back(static_cast<std::uint8_t>(numbers[4]));
  return absl::OkStatus();
}

absl::StatusOr<Raw> read_text(const NamedFile& file) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines lines, cosi::TextLines::open(file.path, file.shown));
  Raw out;
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t pixels, read_head(lines, out));
  for (std::string_view line;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, lines.next(line));
    if (!more) break;
    if (cosi::words_of(line, 1).empty()) continue;
    if (out.detector.pixels() == pixels) {
      return lines.wrong("BAD_DETECTOR", absl::StrCat("more than the ", pixels, " pixels promised"),
                         "correct the first line");
    }
    UNFOLD_RETURN_IF_ERROR(read_pixel(line, lines, out.detector));
  }
  if (out.detector.pixels() < pixels) {
    return lines.wrong(
        "BAD_DETECTOR",
        absl::StrCat("the file ends after ", out.detector.pixels(), " of ", pixels, " pixels"),
        "copy the file again");
  }
  out.detector.shape = {1, 1, pixels};
  return out;
}

absl::StatusOr<double> scalar(const hdf5::File& file, const std::string& name) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset(name));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values, dataset.read_all<double>(1));
  if (values.size() == 1) return values[0];
  return dataset.problem("WRONG_SHAPE", "it is no single number");
}

absl::StatusOr<std::vector<double>> plane(const hdf5::File& file, const std::string& name,
                                          const std::vector<std::int64_t>& shape) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset(name));
  std::int64_t pixels = 1;
  for (const std::int64_t axis : shape) pixels *= axis;
  if (dataset.info().elements() != pixels) {
    return dataset.problem("WRONG_SHAPE", absl::StrCat("its shape is ", dataset.info().shape_text(),
                                                       ", for ", pixels, " pixels of qx"));
  }
  return dataset.read_all<double>(kMostPixels);
}

absl::StatusOr<Raw> read_tree(const NamedFile& named) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(named.path, named.shown));
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset first, file.dataset("qx"));
  const std::vector<std::int64_t>& shape = first.info().shape;
  if (shape.empty() || shape.size() > 3 || first.info().elements() > kMostPixels ||
      first.info().elements() < 1) {
    return first.problem("WRONG_SHAPE", absl::StrCat("its shape is ", first.info().shape_text()));
  }
  Raw out;
  out.detector.shape = {1, 1, 1};
  std::copy(shape.begin(), shape.end(),
            out.detector.shape.end() - static_cast<std::ptrdiff_t>(shape.size()));
  const auto pixels = static_cast<std::size_t>(first.info().elements());
  out.detector.q.resize(3 * pixels);
  std::size_t axis = 0;
  for (const char* name : {"qx", "qy", "qz"}) {
    UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> q, plane(file, name, shape));
    for (std::size_t p = 0; p < pixels; ++p) out.detector.q[3 * p + axis] = q[p];
    ++axis;
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> correction, plane(file, "corr", shape));
  out.detector.correction.assign(correction.begin(), correction.end());
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> mask, plane(file, "mask", shape));
  for (std::size_t p = 0; p < pixels; ++p) {
    if (mask[p] != kGood && mask[p] != kMergeOnly && mask[p] != kBad) {
      return hdf5::bad_object(named.shown, "mask", "BAD_DETECTOR",
                              absl::StrCat("pixel ", p, " is of class ", mask[p]),
                              "give 0 good, 1 merged only, 2 bad");
    }
    out.detector.mask.push_back(static_cast<std::uint8_t>(mask[p]));
  }
  UNFOLD_ASSIGN_OR_RETURN(out.distance, scalar(file, "detd"));
  UNFOLD_ASSIGN_OR_RETURN(out.radius, scalar(file, "ewald_rad"));
  UNFOLD_ASSIGN_OR_RETURN(const auto wavelength, file.attribute("/", "wavelength_A"));
  const double* told = wavelength ? std::get_if<double>(&*wavelength) : nullptr;
  if (told != nullptr && *told > 0) out.detector.wavelength = *told;
  return out;
}

// Where pixels lie on a flat detector, in pixels: what Dragonfly's own viewer does.
void fill_picture(const Raw& raw, Detector& out) {
  double mean = 0;
  for (std::size_t p = 0; p < out.mask.size(); ++p) mean += out.q[3 * p + 2];
  const double sign = mean > 0 ? -1 : 1;
  std::array<std::vector<double>, 2> place;
  std::array<double, 2> least = {1e300, 1e300};
  for (std::size_t p = 0; p < out.mask.size(); ++p) {
    const double depth = raw.radius + sign * out.q[3 * p + 2];
    for (std::size_t k = 0; k < 2; ++k) {
      place[k].push_back(out.q[3 * p + k] * raw.distance / depth);
      least[k] = std::min(least[k], place[k].back());
    }
  }
  for (std::size_t p = 0; p < out.mask.size(); ++p) {
    for (std::size_t k = 0; k < 2; ++k) {
      const double at = std::round(place[k][p] - least[k]);
      if (!in_range(at, 0, kLargestPicture - 1)) {
        out.picture.clear();
        return;
      }
      out.picture.push_back(static_cast<std::int32_t>(at));
    }
  }
}

// Rows and columns where the pixels are a whole grid in order.
void find_shape(Detector& detector) {
  if (detector.shape[1] != 1 || detector.picture.empty()) return;
  const auto columns = static_cast<std::size_t>(detector.picture[detector.picture.size() - 1]) + 1;
  const std::size_t pixels = detector.mask.size();
  if (pixels % columns != 0) return;
  for (std::size_t p = 0; p < pixels; ++p) {
    const auto row = static_cast<std::size_t>(detector.picture[2 * p]);
    const auto column = static_cast<std::size_t>(detector.picture[2 * p + 1]);
    if (row != p / columns || column != p % columns) return;
  }
  detector.shape = {1, static_cast<std::int64_t>(pixels / columns),
                    static_cast<std::int64_t>(columns)};
}

absl::Status check_pixels(const NamedFile& file, Detector& detector) {
  float largest = 0;
  for (std::size_t p = 0; p < detector.mask.size(); ++p) {
    float& correction = detector.correction[p];
    double* q = detector.q.data() + 3 * p;
    const bool placed = std::isfinite(q[0]) && std::isfinite(q[1]) && std::isfinite(q[2]);
    const bool weighed = std::isfinite(correction) && correction > 0;
    if ((!placed || !weighed) && detector.mask[p] != kBad) {
      return refused(file, "BAD_DETECTOR",
                     absl::StrCat("pixel ", p,
                                  placed ? " has a correction that is not positive"
                                         : " has a q that is no number"),
                     "give it class 2, bad");
    }
    if (!placed) std::fill_n(q, 3, 0.0);
    largest = std::max(largest, weighed ? correction : 0.0F);
  }
  for (float& value : detector.correction) {
    value = std::isfinite(value) && value > 0 ? value / largest : 1.0F;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Detector> read_dragonfly_detector(const NamedFile& file, double wavelength) {
  UNFOLD_ASSIGN_OR_RETURN(const bool tree, hdf5::is_hdf5(file.path, file.shown));
  UNFOLD_ASSIGN_OR_RETURN(Raw raw, tree ? read_tree(file) : read_text(file));
  Detector& out = raw.detector;
  if (!in_range(raw.radius, 1e-6, 1e12) || !in_range(raw.distance, 1e-6, 1e12)) {
    return refused(file, "BAD_DETECTOR",
                   "it does not tell the distance in pixels and the Ewald sphere's radius in "
                   "voxels (detd, ewald_rad)",
                   "write it anew with Dragonfly 1.2 or later");
  }
  if (wavelength > 0) out.wavelength = wavelength;
  if (!in_range(out.wavelength, 1e-3, 1e4)) {
    return refused(file, "UNKNOWN_WAVELENGTH", "its q are in voxels of an unknown size",
                   "give Dragonfly's config.ini with lambda in [parameters], in Angstrom");
  }
  UNFOLD_RETURN_IF_ERROR(check_pixels(file, out));
  fill_picture(raw, out);
  find_shape(out);
  for (double& value : out.q) value /= raw.radius * out.wavelength;
  UNFOLD_RETURN_IF_ERROR(check_some_good(out, file.shown));
  return std::move(out);
}

}  // namespace unfold::spi_data
