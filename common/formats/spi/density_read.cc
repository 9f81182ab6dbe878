#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/density_file.h"
#include "common/formats/spi/density_layout.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kMostFrames = std::int64_t{1} << 31;
constexpr std::size_t kMostConformations = 64;

// Reads datasets of a file, each as long as it must be; the first error stops the rest.
class Page {
 public:
  explicit Page(const hdf5::File& file) : file_(file) {}
  const absl::Status& status() const { return status_; }

  bool has(const std::string& path) {
    if (!status_.ok()) return false;
    const auto kind = file_.kind_of(path);
    if (!kind.ok()) status_ = kind.status();
    return kind.ok() && *kind == hdf5::ObjectKind::kDataset;
  }

  template <class T>
  void read(const std::string& path, const std::vector<std::int64_t>& shape, std::vector<T>& out) {
    if (!has(path)) return;
    const auto dataset = file_.dataset(path);
    if (!dataset.ok()) {
      status_ = dataset.status();
      return;
    }
    bool fits = dataset->info().shape.size() == shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i) {
      fits = shape[i] < 0 || shape[i] == dataset->info().shape[i];
    }
    if (!fits) {
      status_ = dataset->problem("WRONG_SHAPE",
                                 absl::StrCat("its shape is ", dataset->info().shape_text()));
      return;
    }
    auto values = dataset->read_all<T>(4 * kMostFrames);
    status_ = values.status();
    if (values.ok()) out = *std::move(values);
  }

  void texts(const std::string& path, std::vector<std::string>& out) {
    if (!has(path)) return;
    const auto dataset = file_.dataset(path);
    if (!dataset.ok()) {
      status_ = dataset.status();
      return;
    }
    auto values = dataset->strings(1 << 24);
    status_ = values.status();
    if (values.ok()) out = *std::move(values);
  }

  template <class T>
  void attribute(const std::string& object, const std::string& name, T& out) {
    if (!status_.ok()) return;
    const auto value = file_.attribute(object, name);
    status_ = value.status();
    if (!value.ok() || !*value) return;
    if (const T* same = std::get_if<T>(&**value)) {
      out = *same;
    } else {
      status_ = hdf5::bad_object(file_.shown(), object, "WRONG_TYPE",
                                 absl::StrCat("its attribute ", name, " is of another type"));
    }
  }

 private:
  const hdf5::File& file_;
  absl::Status status_;
};

void read_map(Page& page, const std::string& prefix, std::int64_t grid, DensityMap& map) {
  const std::vector<std::int64_t> cube(3, grid);
  page.read(prefix + "density", cube, map.density);
  for_each_volume(map, [&](const char* name, std::vector<double>& values) {
    page.read(prefix + name, cube, values);
  });
  page.read(prefix + "support", cube, map.support);
  for_each_curve(map, [&](const char* name, std::vector<double>& values) {
    page.read(prefix + name, {grid / 2 + 1}, values);
  });
  page.attribute(prefix + "density", "resolution_A", map.resolution);
  page.attribute(prefix + "density", "intensity_resolution_A", map.intensity_resolution);
  page.attribute(prefix + "density", "phasing_agreement", map.phasing_agreement);
}

absl::Status read_reference_numbers(const hdf5::File& file, const std::string& group,
                                    DensityMap& map) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of(group));
  if (kind != hdf5::ObjectKind::kGroup) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(const auto attributes, file.attributes(group));
  for (const hdf5::NamedAttribute& one : attributes) {
    if (const double* value = std::get_if<double>(&one.value)) {
      map.reference_numbers[one.name] = *value;
    }
  }
  return absl::OkStatus();
}

absl::Status read_maps(const hdf5::File& file, Page& page, DensityFile& out) {
  for (std::size_t c = 0; c < kMostConformations; ++c) {
    const std::string prefix = c == 0 ? "" : absl::StrCat("conformation_", c, "/");
    if (c > 0 && !page.has(prefix + "density")) break;
    read_map(page, prefix, out.grid, out.maps.emplace_back());
    UNFOLD_RETURN_IF_ERROR(page.status());
    UNFOLD_RETURN_IF_ERROR(read_reference_numbers(file, prefix + "reference", out.maps.back()));
  }
  if (!out.maps.empty() && !out.maps.front().density.empty()) return absl::OkStatus();
  return hdf5::bad_object(file.shown(), "density", "MISSING_OBJECT", "there is no density");
}

void read_frames(Page& page, DensityFile& out) {
  std::vector<double> flat;
  page.read("orientations", {-1, 4}, flat);
  for (std::size_t i = 0; i < flat.size(); i += 4) {
    out.orientations.push_back({flat[i], flat[i + 1], flat[i + 2], flat[i + 3]});
  }
  const auto frames = static_cast<std::int64_t>(out.orientations.size());
  for_each_frame_number(out,
                        [&](const char* name, auto& values) { page.read(name, {frames}, values); });
  page.read("background", {-1}, out.background);
}

absl::Status read_history(const hdf5::File& file, Page& page, History& out) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::ObjectKind kind, file.kind_of("history"));
  if (kind != hdf5::ObjectKind::kGroup) return absl::OkStatus();
  page.texts("history/part", out.part);
  page.texts("history/stage", out.stage);
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<hdf5::Child> children, file.children("history"));
  const auto rows = static_cast<std::int64_t>(out.part.size());
  for (const hdf5::Child& child : children) {
    if (child.name == "part" || child.name == "stage") continue;
    page.read("history/" + child.name, {rows}, out.numbers[child.name]);
  }
  return page.status();
}

absl::Status read_head(const hdf5::File& file, Page& page, DensityFile& out) {
  std::string format;
  page.attribute("/", "format", format);
  page.attribute("/", "grid", out.grid);
  page.attribute("/", "qmax_invA", out.qmax);
  page.attribute("/", "verdict", out.verdict);
  page.attribute("/", "reasons", out.reasons);
  UNFOLD_RETURN_IF_ERROR(page.status());
  if (format != kDensityFormat || out.grid < 1 || out.grid > kLargestGrid || !(out.qmax > 0)) {
    return hdf5::bad_object(file.shown(), "/", "WRONG_FORMAT", "it is no density of unfold's");
  }
  UNFOLD_ASSIGN_OR_RETURN(const auto attributes, file.attributes("/"));
  for (const hdf5::NamedAttribute& one : attributes) {
    if (is_own(one.name)) continue;
    if (const auto* text = std::get_if<std::string>(&one.value)) out.attributes[one.name] = *text;
    if (const auto* real = std::get_if<double>(&one.value)) out.attributes[one.name] = *real;
    if (const auto* whole = std::get_if<std::int64_t>(&one.value)) {
      out.attributes[one.name] = *whole;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DensityFile> read_density(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(path, shown));
  Page page(file);
  DensityFile out;
  UNFOLD_RETURN_IF_ERROR(read_head(file, page, out));
  UNFOLD_RETURN_IF_ERROR(read_maps(file, page, out));
  read_frames(page, out);
  UNFOLD_RETURN_IF_ERROR(page.status());
  UNFOLD_RETURN_IF_ERROR(read_history(file, page, out.history));
  return out;
}

absl::Status verify_density(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const DensityFile file, read_density(path, path));
  for (const DensityMap& map : file.maps) {
    for (const double value : map.density) {
      if (std::isfinite(value)) continue;
      return hdf5::bad_object(path, "density", "BAD_VALUE", absl::StrCat("a voxel is ", value));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> is_density(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(const bool tree, hdf5::is_hdf5(path, shown));
  if (!tree) return false;
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::File file, hdf5::File::open(path, shown));
  UNFOLD_ASSIGN_OR_RETURN(const auto format, file.attribute("/", "format"));
  const std::string* text = format ? std::get_if<std::string>(&*format) : nullptr;
  return text != nullptr && *text == kDensityFormat;
}

}  // namespace unfold::spi_data
