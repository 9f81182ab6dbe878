#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/writer.h"
#include "common/formats/spi/density_file.h"
#include "common/formats/spi/density_layout.h"

namespace unfold::spi_data {
namespace {

using Shape = std::vector<std::int64_t>;

template <class T>
std::int64_t length(const std::vector<T>& values) {
  return static_cast<std::int64_t>(values.size());
}

absl::Status contradicts(const std::string& name, std::int64_t has, std::int64_t wants) {
  return error({.reason = "WRONG_SHAPE",
                .what = "cannot write the density",
                .why = absl::StrCat(name, " has ", has, " elements, not ", wants)});
}

// What is written, with all lengths checked; the first error stops the rest.
class Sheet {
 public:
  Sheet(hdf5::Writer& writer, const DensityFile& file) : writer_(writer), file_(file) {}

  std::int64_t voxels() const { return file_.grid * file_.grid * file_.grid; }
  std::int64_t shells() const { return file_.grid / 2 + 1; }
  const absl::Status& status() const { return status_; }

  template <class T>
  void put(const std::string& path, const Shape& shape, const std::vector<T>& values,
           int deflate = 0) {
    if (values.empty() || !status_.ok()) return;
    std::int64_t wanted = 1;
    for (const std::int64_t axis : shape) wanted *= axis;
    if (length(values) != wanted) {
      status_ = contradicts(path, length(values), wanted);
      return;
    }
    status_ = writer_.dataset(path, shape, std::span<const T>(values),
                              deflate > 0 ? hdf5::Packing{shape, deflate} : hdf5::Packing{});
  }
  template <class T>
  void volume(const std::string& path, const std::vector<T>& values, int deflate = 0) {
    put(path, {file_.grid, file_.grid, file_.grid}, values, deflate);
  }
  void texts(const std::string& path, const std::vector<std::string>& values) {
    if (status_.ok() && !values.empty()) status_ = writer_.strings(path, values);
  }
  void mark(const std::string& object, const std::string& name, const hdf5::Attribute& value) {
    if (status_.ok()) status_ = writer_.attribute(object, name, value);
  }

 private:
  hdf5::Writer& writer_;
  const DensityFile& file_;
  absl::Status status_;
};

void write_map(Sheet& sheet, const std::string& prefix, const DensityMap& map,
               const DensityFile& file) {
  const std::string density = prefix + "density";
  sheet.volume(density, map.density);
  sheet.mark(density, "voxel_A", file.voxel());
  sheet.mark(density, "centre", std::vector<std::int64_t>(3, file.grid / 2));
  sheet.mark(density, "axes", std::string("x, y, z; z fastest"));
  sheet.mark(density, "hand", std::string("undetermined"));
  sheet.mark(density, "resolution_A", map.resolution);
  sheet.mark(density, "intensity_resolution_A", map.intensity_resolution);
  sheet.mark(density, "phasing_agreement", map.phasing_agreement);
  for_each_volume(map, [&](const char* name, const std::vector<double>& values) {
    sheet.volume(prefix + name, std::vector<float>(values.begin(), values.end()));
  });
  sheet.volume(prefix + "support", map.support, 1);
  for_each_curve(map, [&](const char* name, const std::vector<double>& values) {
    sheet.put(prefix + name, {sheet.shells()}, values);
  });
  if (!map.intensity.empty()) {
    sheet.mark(prefix + "intensity", "qmax_invA", file.qmax);
    sheet.mark(prefix + "intensity", "step_invA", 2 * file.qmax / static_cast<double>(file.grid));
  }
  if (map.reference_density.empty() && map.reference_fsc.empty()) return;
  for (const auto& [name, value] : map.reference_numbers) {
    sheet.mark(prefix + "reference", name, value);
  }
}

void write_frames(Sheet& sheet, const DensityFile& file) {
  const std::int64_t frames = length(file.orientations);
  std::vector<double> flat;
  for (const auto& turn : file.orientations) flat.insert(flat.end(), turn.begin(), turn.end());
  sheet.put("orientations", {frames, 4}, flat);
  if (frames > 0) sheet.mark("orientations", "convention", std::string(kQuaternions));
  for_each_frame_number(
      file, [&](const char* name, const auto& values) { sheet.put(name, {frames}, values); });
  sheet.put("background", {length(file.background)}, file.background);
}

void write_history(Sheet& sheet, const History& history) {
  sheet.texts("history/part", history.part);
  sheet.texts("history/stage", history.stage);
  for (const auto& [name, values] : history.numbers) {
    sheet.put("history/" + name, {length(history.part)}, values);
  }
}

void write_head(Sheet& sheet, const DensityFile& file) {
  sheet.mark("/", "format", std::string(kDensityFormat));
  sheet.mark("/", "grid", file.grid);
  sheet.mark("/", "qmax_invA", file.qmax);
  sheet.mark("/", "voxel_A", file.voxel());
  sheet.mark("/", "verdict", file.verdict);
  if (!file.reasons.empty()) sheet.mark("/", "reasons", file.reasons);
  for (const auto& [name, value] : file.attributes) {
    if (is_own(name)) continue;
    std::visit([&, &key = name](const auto& one) { sheet.mark("/", key, one); }, value);
  }
  std::vector<double> q;
  for (std::int64_t s = 0; s < sheet.shells(); ++s) {
    q.push_back(2 * file.qmax * static_cast<double>(s) / static_cast<double>(file.grid));
  }
  sheet.put("shell_q", {sheet.shells()}, q);
  sheet.mark("shell_q", "unit", std::string("1/Angstrom"));
}

}  // namespace

absl::Status write_density(const std::string& path, const DensityFile& file) {
  if (file.grid < 1 || file.grid > kLargestGrid || !(file.qmax > 0) || file.maps.empty() ||
      file.maps[0].density.empty()) {
    return contradicts("the density", 0, file.grid * file.grid * file.grid);
  }
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  Sheet sheet(writer, file);
  write_head(sheet, file);
  for (std::size_t c = 0; c < file.maps.size(); ++c) {
    write_map(sheet, c == 0 ? "" : absl::StrCat("conformation_", c, "/"), file.maps[c], file);
  }
  write_frames(sheet, file);
  write_history(sheet, file.history);
  UNFOLD_RETURN_IF_ERROR(sheet.status());
  return writer.finish();
}

}  // namespace unfold::spi_data
