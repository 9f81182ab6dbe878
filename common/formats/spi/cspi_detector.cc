#include "common/formats/spi/cspi_detector.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/reduction.h"

namespace unfold::spi_data {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr char kQ[] = "pixel_position_reciprocal";
constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

// Axes of one element say nothing.
Shape squeezed(const Shape& shape) {
  Shape out;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(out),
               [](std::int64_t axis) { return axis != 1; });
  return out;
}

Shape joined(Shape a, const Shape& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::int64_t product(const std::array<std::int64_t, 3>& shape) {
  return shape[0] * shape[1] * shape[2];
}

std::string text_of(const std::array<std::int64_t, 3>& shape) {
  return absl::StrCat("[", shape[0], ", ", shape[1], ", ", shape[2], "]");
}

enum class QAxis { kFirst, kLast };
absl::StatusOr<QAxis> q_axis(const hdf5::Dataset& dataset,
                             const std::array<std::int64_t, 3>& shape) {
  const Shape frame = squeezed({shape.begin(), shape.end()});
  const Shape given = squeezed(dataset.info().shape);
  const bool first = given == joined({3}, frame);
  const bool last = given == joined(frame, {3});
  if (first && last) {
    return dataset.problem("AMBIGUOUS_AXES",
                           absl::StrCat("its shape ", dataset.info().shape_text(),
                                        " does not tell which axis is x, y, z"),
                           "store the three planes of q with another number of pixels");
  }
  if (first || last) return first ? QAxis::kFirst : QAxis::kLast;
  return dataset.problem(
      "WRONG_SHAPE", absl::StrCat("its shape is ", dataset.info().shape_text(),
                                  ", neither [3, ...] nor [..., 3] of frames of ", text_of(shape)));
}

// 1/Angstrom in one unit of the file.
absl::StatusOr<double> unit_of(const hdf5::File& file, const hdf5::Dataset& dataset) {
  for (const char* name : {"unit", "units"}) {
    UNFOLD_ASSIGN_OR_RETURN(const auto value, file.attribute(kQ, name));
    if (!value) continue;
    const std::string* text = std::get_if<std::string>(&*value);
    const std::string unit = text == nullptr ? "" : absl::AsciiStrToLower(*text);
    if (unit == "1/m" || unit == "m-1" || unit == "m^-1") return 1e-10;
    if (unit == "1/nm" || unit == "nm-1" || unit == "nm^-1") return 0.1;
    for (const char* angstrom : {"1/a", "a-1", "a^-1", "1/angstrom", "angstrom^-1"}) {
      if (unit == angstrom) return 1.0;
    }
    return dataset.problem("WRONG_UNIT",
                           absl::StrCat("its attribute ", name, " is ",
                                        text == nullptr ? "no text" : "\"" + unit + "\""),
                           "give it in 1/m");
  }
  return 1e-10;
}

// What a sample and a detector can make: from a micrometre down to a hundredth of an Angstrom.
absl::Status check_magnitude(const hdf5::Dataset& dataset, const Detector& detector) {
  double largest = 0;
  for (const double value : detector.q) largest = std::max(largest, std::abs(value));
  if (largest > 1e-4 && largest < 100) return absl::OkStatus();
  return dataset.problem(
      "WRONG_UNIT",
      absl::StrCat("its largest number is a resolution of ", 1 / largest, " Angstrom, read in 1/m"),
      "store q in 1/m, or say its unit in the attribute `unit`");
}

absl::Status read_q(const hdf5::File& file, Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset(kQ));
  UNFOLD_ASSIGN_OR_RETURN(const QAxis axis, q_axis(dataset, detector.shape));
  UNFOLD_ASSIGN_OR_RETURN(const double unit, unit_of(file, dataset));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values,
                          dataset.read_all<double>(3 * kMostPixels));
  const std::size_t pixels = detector.mask.size();
  detector.q.resize(values.size());
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t k = 0; k < 3; ++k) {
      const double value = values[axis == QAxis::kFirst ? k * pixels + p : 3 * p + k];
      const bool bad = detector.mask[p] == kBad;
      if (!bad && !std::isfinite(value)) {
        return dataset.problem(
            "BAD_VALUE",
            absl::StrCat(pixel_text(detector.shape, static_cast<std::int64_t>(p)), " is ", value),
            "mask that pixel, or give its q");
      }
      detector.q[3 * p + k] = std::isfinite(value) ? value * unit : 0;
    }
  }
  return check_magnitude(dataset, detector);
}

// A dataset of one number a pixel; nothing where it is absent.
absl::StatusOr<std::optional<hdf5::Dataset>> plane(const hdf5::File& file, const std::string& name,
                                                   const std::array<std::int64_t, 3>& shape) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(name));
  if (kind == hdf5::ObjectKind::kNone) return std::optional<hdf5::Dataset>();
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Dataset out, file.dataset(name));
  if (squeezed(out.info().shape) == squeezed({shape.begin(), shape.end()})) {
    return std::optional<hdf5::Dataset>(std::move(out));
  }
  return out.problem("WRONG_SHAPE", absl::StrCat("its shape is ", out.info().shape_text(),
                                                 ", not that of frames, ", text_of(shape)));
}

absl::Status read_classes(const hdf5::Dataset& dataset, bool told, Detector& detector,
                          std::vector<std::string>& warnings) {
  if (dataset.info().is_flag) {
    return dataset.problem("AMBIGUOUS_MASK", "true may mean good or masked",
                           "name it `valid` where true is good, or store the classes 0 good, 1 "
                           "merged only, 2 bad");
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values, dataset.read_all<double>(kMostPixels));
  for (std::size_t p = 0; p < values.size(); ++p) {
    if (values[p] != kGood && values[p] != kMergeOnly && values[p] != kBad) {
      return dataset.problem(
          "BAD_VALUE",
          absl::StrCat(pixel_text(detector.shape, static_cast<std::int64_t>(p)), " is ", values[p]),
          "store 0 good, 1 merged only, 2 bad");
    }
    detector.mask[p] = static_cast<std::uint8_t>(values[p]);
  }
  const bool ones = std::count(detector.mask.begin(), detector.mask.end(), kMergeOnly) > 0;
  const bool twos = std::count(detector.mask.begin(), detector.mask.end(), kBad) > 0;
  if (ones && !twos && !told) {
    warnings.push_back(
        "`mask` holds 0 and 1: 0 is read as good, 1 as merged only; where 1 means good, name it "
        "`valid`");
  }
  return absl::OkStatus();
}

absl::Status read_valid(const hdf5::Dataset& dataset, Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values, dataset.read_all<double>(kMostPixels));
  for (std::size_t p = 0; p < values.size(); ++p) {
    if (!(values[p] > 0)) detector.mask[p] = kBad;
  }
  return absl::OkStatus();
}

absl::Status read_mask(const hdf5::File& file, Detector& detector,
                       std::vector<std::string>& warnings) {
  UNFOLD_ASSIGN_OR_RETURN(const auto mask, plane(file, "mask", detector.shape));
  if (mask) {
    UNFOLD_ASSIGN_OR_RETURN(const auto told, file.attribute("mask", "classes"));
    UNFOLD_RETURN_IF_ERROR(read_classes(*mask, told.has_value(), detector, warnings));
  }
  UNFOLD_ASSIGN_OR_RETURN(const auto valid, plane(file, "valid", detector.shape));
  return valid ? read_valid(*valid, detector) : absl::OkStatus();
}

absl::Status read_corrections(const hdf5::File& file, Detector& detector) {
  for (const char* name : {"solid_angle", "polarization"}) {
    UNFOLD_ASSIGN_OR_RETURN(const auto dataset, plane(file, name, detector.shape));
    if (!dataset) continue;
    UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values,
                            dataset->read_all<double>(kMostPixels));
    const auto usable = [](double value) { return value > 0 && std::isfinite(value); };
    double largest = 0;
    for (const double value : values) largest = std::max(largest, usable(value) ? value : 0.0);
    for (std::size_t p = 0; p < values.size(); ++p) {
      const bool fine = usable(values[p]);
      if (!fine && detector.mask[p] != kBad) {
        return dataset->problem(
            "BAD_VALUE",
            absl::StrCat(pixel_text(detector.shape, static_cast<std::int64_t>(p)), " is ",
                         values[p]),
            "it must be positive, or mask that pixel");
      }
      if (fine) detector.correction[p] *= static_cast<float>(values[p] / largest);
    }
  }
  const float most = *std::max_element(detector.correction.begin(), detector.correction.end());
  for (float& value : detector.correction) value /= most;
  return absl::OkStatus();
}

absl::Status read_picture(const hdf5::File& file, Detector& detector) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of("pixel_index_map"));
  const auto pixels = static_cast<std::size_t>(product(detector.shape));
  if (kind == hdf5::ObjectKind::kNone) {
    for (std::size_t p = 0; p < pixels; ++p) {
      const auto columns = static_cast<std::size_t>(detector.shape[2]);
      detector.picture.push_back(static_cast<std::int32_t>(p / columns));
      detector.picture.push_back(static_cast<std::int32_t>(p % columns));
    }
    return absl::OkStatus();
  }
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset dataset, file.dataset("pixel_index_map"));
  const Shape frame = squeezed({detector.shape.begin(), detector.shape.end()});
  if (squeezed(dataset.info().shape) != joined(frame, {2})) {
    return dataset.problem("WRONG_SHAPE",
                           absl::StrCat("its shape is ", dataset.info().shape_text(),
                                        ", not [..., 2] of frames of ", text_of(detector.shape)));
  }
  UNFOLD_ASSIGN_OR_RETURN(detector.picture, dataset.read_all<std::int32_t>(2 * kMostPixels));
  const auto [least, most] = std::minmax_element(detector.picture.begin(), detector.picture.end());
  if (*least >= 0 && *most < kLargestPicture) return absl::OkStatus();
  return dataset.problem("BAD_VALUE", absl::StrCat("it goes from ", *least, " to ", *most),
                         absl::StrCat("give places of a picture, from 0 to ", kLargestPicture - 1));
}

}  // namespace

double wavelength_of(const Detector& detector) {
  double sum = 0;
  std::int64_t count = 0;
  const double far = detector.qmax() / 4;
  const auto told = [&](std::size_t p) {
    const double* q = detector.q.data() + 3 * p;
    const double square = q[0] * q[0] + q[1] * q[1] + q[2] * q[2];
    return square < far * far || detector.mask[p] == kBad ? 0.0 : -2 * q[2] / square;
  };
  for (std::size_t p = 0; p < detector.mask.size(); ++p) {
    sum += told(p);
    count += told(p) != 0 ? 1 : 0;
  }
  if (count == 0 || sum <= 0) return 0;
  const double mean = sum / static_cast<double>(count);
  for (std::size_t p = 0; p < detector.mask.size(); ++p) {
    const double one = told(p);
    if (one != 0 && std::abs(one - mean) > 1e-3 * mean) return 0;
  }
  return mean;
}

absl::Status check_some_good(const Detector& detector, const std::string& shown) {
  const auto bad = std::count(detector.mask.begin(), detector.mask.end(), kBad);
  if (bad < detector.pixels() && detector.qmax() > 0) return absl::OkStatus();
  return error({.reason = "NO_GOOD_PIXEL",
                .what = absl::StrCat("cannot use the detector of \"", shown, "\""),
                .why = bad < detector.pixels() ? "every pixel that is not bad lies at q = 0"
                                               : "its mask calls every pixel bad",
                .remedy = "check the mask: 0 good, 1 merged only, 2 bad; `valid`: 1 good"});
}

absl::StatusOr<Detector> read_cspi_detector(const hdf5::File& file,
                                            const std::array<std::int64_t, 3>& shape,
                                            std::vector<std::string>& warnings) {
  const auto pixels = static_cast<std::size_t>(product(shape));
  Detector out;
  out.shape = shape;
  out.mask.assign(pixels, kGood);
  out.correction.assign(pixels, 1.0F);
  UNFOLD_RETURN_IF_ERROR(read_mask(file, out, warnings));
  UNFOLD_RETURN_IF_ERROR(read_q(file, out));
  UNFOLD_RETURN_IF_ERROR(check_some_good(out, file.shown()));
  UNFOLD_RETURN_IF_ERROR(read_corrections(file, out));
  UNFOLD_RETURN_IF_ERROR(read_picture(file, out));
  out.wavelength = wavelength_of(out);
  return out;
}

}  // namespace unfold::spi_data
