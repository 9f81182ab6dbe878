#include "common/formats/imaging/map_file.h"

#include <span>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/map_layout.h"
#include "common/formats/imaging/units.h"

namespace unfold::imaging_data {
namespace {

std::vector<std::int64_t> image_shape(const MapProduct& product) {
  if (product.energies == 1) return {product.sky.pixels()};
  return {product.energies, product.sky.pixels()};
}

std::int64_t length(const std::vector<double>& values) {
  return static_cast<std::int64_t>(values.size());
}

template <class T>
absl::Status put(hdf5::Writer& writer, const std::string& name,
                 const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
  return writer.dataset(name, shape, std::span<const T>(values));
}

absl::Status put(hdf5::Writer& writer, const std::string& name,
                 const std::vector<std::int64_t>& shape, const std::vector<double>& values,
                 Unit unit) {
  UNFOLD_RETURN_IF_ERROR(put(writer, name, shape, values));
  return writer.attribute(name, "unit", std::string(unit_text(unit)));
}

absl::Status write_attributes(hdf5::Writer& writer, const MapProduct& product) {
  UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "format", std::string(kMapFormat)));
  for (const auto& [name, value] : product.attributes) {
    if (is_layout_attribute(name)) continue;
    const hdf5::Attribute stored =
        std::visit([](const auto& v) { return hdf5::Attribute(v); }, value);
    UNFOLD_RETURN_IF_ERROR(writer.attribute("/", name, stored));
  }
  return absl::OkStatus();
}

absl::Status write_grid(hdf5::Writer& writer, const MapProduct& product) {
  const sky::Grid& sky = product.sky;
  const std::vector<std::int64_t> shape = {sky.pixels()};
  UNFOLD_RETURN_IF_ERROR(put(writer, "l_deg", shape, sky.l_deg, Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(put(writer, "b_deg", shape, sky.b_deg, Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(put(writer, "dOmega", shape, sky.solid_angle, Unit::kSolidAngle));
  if (!product.energy_edges.empty()) {
    UNFOLD_RETURN_IF_ERROR(put(writer, "energy_edges", {length(product.energy_edges)},
                               product.energy_edges, Unit::kEnergy));
  }
  if (sky.kind == sky::GridKind::kHealpix) {
    UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "nside", std::int64_t{sky.nside}));
    return writer.attribute("/", "ordering", std::string(sky.nested ? "NESTED" : "RING"));
  }
  UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "nl", std::int64_t{sky.nl}));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("/", "nb", std::int64_t{sky.nb}));
  return writer.attribute("/", "pix_deg", 180.0 / sky.nb);
}

absl::Status write_images(hdf5::Writer& writer, const MapProduct& product) {
  const std::vector<std::int64_t> shape = image_shape(product);
  UNFOLD_RETURN_IF_ERROR(put(writer, "map", shape, product.map, Unit::kIntensity));
  UNFOLD_RETURN_IF_ERROR(put(writer, "exposure", shape, product.exposure, Unit::kExposure));
  for (const auto& [updates, image] : product.maps) {
    UNFOLD_RETURN_IF_ERROR(
        put(writer, absl::StrCat("maps/", updates), shape, image, Unit::kIntensity));
  }
  if (product.standard_error.empty()) return absl::OkStatus();
  UNFOLD_RETURN_IF_ERROR(
      put(writer, "standard_error", shape, product.standard_error, Unit::kIntensity));
  UNFOLD_RETURN_IF_ERROR(
      writer.attribute("standard_error", "meaning", std::string(kStandardErrorMeaning)));
  return put(writer, "on_bound", shape, product.on_bound);
}

absl::Status write_history(hdf5::Writer& writer, const MapProduct& product) {
  UNFOLD_RETURN_IF_ERROR(
      put(writer, "log_likelihood", {length(product.log_likelihood)}, product.log_likelihood));
  if (!product.validation.empty()) {
    UNFOLD_RETURN_IF_ERROR(
        put(writer, "validation_log_likelihood", {length(product.validation)}, product.validation));
  }
  const std::int64_t rows =
      product.amplitudes == 0 ? 0 : length(product.background_amplitude) / product.amplitudes;
  UNFOLD_RETURN_IF_ERROR(put(writer, "background_amplitude", {rows, product.amplitudes},
                             product.background_amplitude));
  if (product.amplitude_error.empty()) return absl::OkStatus();
  UNFOLD_RETURN_IF_ERROR(put(writer, "background_amplitude_error",
                             {length(product.amplitude_error)}, product.amplitude_error));
  return writer.attribute("background_amplitude_error", "meaning",
                          std::string(kStandardErrorMeaning));
}

template <class T>
std::vector<T> column(const std::vector<MapRegion>& regions, T MapRegion::*member) {
  std::vector<T> out;
  for (const MapRegion& region : regions) out.push_back(region.*member);
  return out;
}

absl::Status write_regions(hdf5::Writer& writer, const std::vector<MapRegion>& regions) {
  if (regions.empty()) return absl::OkStatus();
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(regions.size())};
  UNFOLD_RETURN_IF_ERROR(writer.strings("regions/name", column(regions, &MapRegion::name)));
  UNFOLD_RETURN_IF_ERROR(
      put(writer, "regions/l_deg", shape, column(regions, &MapRegion::l_deg), Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(
      put(writer, "regions/b_deg", shape, column(regions, &MapRegion::b_deg), Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(put(writer, "regions/radius_deg", shape,
                             column(regions, &MapRegion::radius_deg), Unit::kAngle));
  UNFOLD_RETURN_IF_ERROR(put(writer, "regions/pixels", shape, column(regions, &MapRegion::pixels)));
  UNFOLD_RETURN_IF_ERROR(put(writer, "regions/flux", shape, column(regions, &MapRegion::flux)));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("regions/flux", "unit", std::string("cm-2 s-1")));
  UNFOLD_RETURN_IF_ERROR(
      put(writer, "regions/standard_error", shape, column(regions, &MapRegion::standard_error)));
  UNFOLD_RETURN_IF_ERROR(
      writer.attribute("regions/standard_error", "unit", std::string("cm-2 s-1")));
  return writer.attribute("regions/standard_error", "meaning", std::string(kStandardErrorMeaning));
}

}  // namespace

absl::Status write_map(const std::string& path, const MapProduct& product) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  UNFOLD_RETURN_IF_ERROR(write_attributes(writer, product));
  UNFOLD_RETURN_IF_ERROR(write_grid(writer, product));
  UNFOLD_RETURN_IF_ERROR(write_images(writer, product));
  UNFOLD_RETURN_IF_ERROR(write_history(writer, product));
  UNFOLD_RETURN_IF_ERROR(write_regions(writer, product.regions));
  UNFOLD_RETURN_IF_ERROR(write_histogram(writer, product));
  return writer.finish();
}

}  // namespace unfold::imaging_data
