#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/imaging/fields.h"
#include "common/formats/imaging/hdf5_sky.h"
#include "common/formats/imaging/map_layout.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMostEnergies = 10000;
constexpr std::int64_t kMostRegions = 10000;
constexpr std::int64_t kMostAmplitudes = 1 << 20;

absl::StatusOr<std::vector<double>> all_of(const Fields& fields, const Field& field) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset from, fields.dataset(field));
  return from.read_all<double>(kMostSmall);
}

absl::StatusOr<std::vector<double>> all_if_there(const Fields& fields, const Field& field) {
  UNFOLD_ASSIGN_OR_RETURN(const auto from, fields.optional_dataset(field));
  if (!from) return std::vector<double>();
  return from->read_all<double>(kMostSmall);
}

Field image(const MapProduct& product, const std::string& name, Unit unit) {
  if (product.energies == 1) return {name, {product.sky.pixels()}, "[P]", unit};
  return {name, {product.energies, product.sky.pixels()}, "[Ei, P]", unit};
}

absl::Status read_energies(const Fields& fields, MapProduct& out) {
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset map, fields.file().dataset("map"));
  out.energies = map.info().shape.size() == 2 ? map.info().shape[0] : 1;
  if (out.energies < 1 || out.energies > kMostEnergies) {
    return map.problem("WRONG_SHAPE", absl::StrCat("its shape is ", map.info().shape_text()));
  }
  UNFOLD_ASSIGN_OR_RETURN(
      out.energy_edges,
      all_if_there(fields, {"energy_edges", {out.energies + 1}, "[E+1]", Unit::kEnergy}));
  return absl::OkStatus();
}

absl::Status read_images(const Fields& fields, MapProduct& out) {
  UNFOLD_ASSIGN_OR_RETURN(out.map, all_of(fields, image(out, "map", Unit::kIntensity)));
  UNFOLD_ASSIGN_OR_RETURN(out.exposure, all_of(fields, image(out, "exposure", Unit::kExposure)));
  UNFOLD_ASSIGN_OR_RETURN(out.standard_error,
                          all_if_there(fields, image(out, "standard_error", Unit::kIntensity)));
  UNFOLD_ASSIGN_OR_RETURN(const auto bound,
                          fields.optional_dataset(image(out, "on_bound", Unit::kCounts)));
  if (bound) {
    UNFOLD_ASSIGN_OR_RETURN(out.on_bound, bound->read_all<std::uint8_t>(kMostSmall));
  }
  UNFOLD_ASSIGN_OR_RETURN(const bool saved, fields.has("maps"));
  if (!saved) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(const auto children, fields.file().children("maps"));
  for (const hdf5::Child& child : children) {
    const std::string path = absl::StrCat("maps/", child.name);
    std::int64_t updates = 0;
    if (!absl::SimpleAtoi(child.name, &updates) || updates < 0) {
      return hdf5::bad_object(fields.file().shown(), path, "BAD_VALUE",
                              "its name is no number of updates");
    }
    UNFOLD_ASSIGN_OR_RETURN(out.maps[updates], all_of(fields, image(out, path, Unit::kIntensity)));
  }
  return absl::OkStatus();
}

absl::Status read_history(const Fields& fields, MapProduct& out) {
  UNFOLD_ASSIGN_OR_RETURN(out.log_likelihood,
                          all_of(fields, {"log_likelihood", {-1}, "[n]", Unit::kCounts}));
  const auto updates = static_cast<std::int64_t>(out.log_likelihood.size());
  UNFOLD_ASSIGN_OR_RETURN(
      out.validation,
      all_if_there(fields, {"validation_log_likelihood", {-1}, "[m]", Unit::kCounts}));
  const Field amplitude{"background_amplitude", {-1, -1}, "[n, A]", Unit::kCounts};
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset amplitudes, fields.dataset(amplitude));
  out.amplitudes = amplitudes.info().shape[1];
  if (out.amplitudes > kMostAmplitudes ||
      (out.amplitudes > 0 && amplitudes.info().shape[0] != updates)) {
    return amplitudes.problem(
        "WRONG_SHAPE", absl::StrCat("its shape is ", amplitudes.info().shape_text(), " after ",
                                    updates, " updates"));
  }
  UNFOLD_ASSIGN_OR_RETURN(out.background_amplitude, amplitudes.read_all<double>(kMostSmall));
  const Field spread{"background_amplitude_error", {out.amplitudes}, "[A]", Unit::kCounts};
  UNFOLD_ASSIGN_OR_RETURN(out.amplitude_error, all_if_there(fields, spread));
  return absl::OkStatus();
}

absl::Status read_regions(const Fields& fields, MapProduct& out) {
  UNFOLD_ASSIGN_OR_RETURN(const bool there, fields.has("regions"));
  if (!there) return absl::OkStatus();
  UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset named, fields.file().dataset("regions/name"));
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, named.strings(kMostRegions));
  const auto count = static_cast<std::int64_t>(names.size());
  out.regions.resize(names.size());
  const auto fill = [&](const std::string& name, double MapRegion::*member) -> absl::Status {
    UNFOLD_ASSIGN_OR_RETURN(const hdf5::Dataset from, fields.file().dataset("regions/" + name));
    if (from.info().shape != std::vector<std::int64_t>{count}) {
      return from.problem("WRONG_SHAPE", "it does not go with regions/name");
    }
    UNFOLD_ASSIGN_OR_RETURN(const auto values, from.read_all<double>(kMostRegions));
    for (std::size_t i = 0; i < values.size(); ++i) out.regions[i].*member = values[i];
    return absl::OkStatus();
  };
  UNFOLD_RETURN_IF_ERROR(fill("l_deg", &MapRegion::l_deg));
  UNFOLD_RETURN_IF_ERROR(fill("b_deg", &MapRegion::b_deg));
  UNFOLD_RETURN_IF_ERROR(fill("radius_deg", &MapRegion::radius_deg));
  UNFOLD_RETURN_IF_ERROR(fill("flux", &MapRegion::flux));
  UNFOLD_RETURN_IF_ERROR(fill("standard_error", &MapRegion::standard_error));
  UNFOLD_ASSIGN_OR_RETURN(
      const auto pixels,
      fields.integers({"regions/pixels", {count}, "[regions]", Unit::kCounts}, 0, kMostSmall));
  for (std::size_t i = 0; i < names.size(); ++i) {
    out.regions[i].name = names[i];
    out.regions[i].pixels = pixels[i];
  }
  return absl::OkStatus();
}

struct Single {
  MapProduct& out;
  const std::string& name;
  template <class T>
  void operator()(const T& value) const {
    if constexpr (std::is_constructible_v<Attribute, T>) out.attributes.emplace(name, value);
  }
};

absl::Status read_attributes(const hdf5::File& file, MapProduct& out) {
  UNFOLD_ASSIGN_OR_RETURN(const auto attributes, file.attributes("/"));
  for (const hdf5::NamedAttribute& one : attributes) {
    if (!is_layout_attribute(one.name)) std::visit(Single{out, one.name}, one.value);
  }
  return absl::OkStatus();
}

absl::Status check_format(const Fields& fields) {
  UNFOLD_ASSIGN_OR_RETURN(const auto format, fields.text_attribute("format"));
  if (format == kMapFormat) return absl::OkStatus();
  return hdf5::bad_object(fields.file().shown(), "/", "WRONG_TYPE",
                          "it is no map that unfold wrote", "name the output of an imaging job");
}

absl::Status bad_product(std::string why) {
  return error({.code = absl::StatusCode::kDataLoss,
                .reason = "BAD_PRODUCT",
                .what = "the product is not fit to publish",
                .why = std::move(why)});
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

absl::Status check_numbers(const MapProduct& product) {
  if (!all_finite(product.map)) return bad_product("map holds NaN or infinity");
  if (!all_finite(product.exposure)) return bad_product("exposure holds NaN or infinity");
  for (const auto& [updates, image] : product.maps) {
    if (!all_finite(image)) {
      return bad_product(absl::StrCat("maps/", updates, " holds NaN or infinity"));
    }
  }
  if (!all_finite(product.background_amplitude)) {
    return bad_product("background_amplitude holds NaN or infinity");
  }
  if (product.standard_error.size() != product.on_bound.size()) {
    return bad_product("standard_error and on_bound do not go together");
  }
  for (std::size_t i = 0; i < product.standard_error.size(); ++i) {
    if (product.on_bound[i] == 0 && !(product.standard_error[i] >= 0)) {
      return bad_product(absl::StrCat("standard_error of pixel ", i, " is no error"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MapProduct> read_map(const std::string& path, const std::string& shown) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::File file, hdf5::File::open(path, shown));
  const Fields fields(file, "");
  UNFOLD_RETURN_IF_ERROR(check_format(fields));
  MapProduct out;
  UNFOLD_ASSIGN_OR_RETURN(out.sky, read_sky(fields));
  UNFOLD_RETURN_IF_ERROR(read_energies(fields, out));
  UNFOLD_RETURN_IF_ERROR(read_images(fields, out));
  UNFOLD_RETURN_IF_ERROR(read_history(fields, out));
  UNFOLD_RETURN_IF_ERROR(read_regions(fields, out));
  UNFOLD_RETURN_IF_ERROR(read_attributes(file, out));
  return out;
}

absl::Status verify_map(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const MapProduct product, read_map(path, path));
  return check_numbers(product);
}

}  // namespace unfold::imaging_data
