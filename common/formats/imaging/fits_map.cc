#include <algorithm>
#include <cmath>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/formats/fits/cfitsio.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/scan.h"
#include "common/formats/fits/writer.h"
#include "common/formats/imaging/map_file.h"
#include "common/formats/imaging/units.h"

namespace unfold::imaging_data {
namespace {

constexpr char kMap[] = "MAP";
constexpr char kExposure[] = "EXPOSURE";
constexpr char kStandardError[] = "STDERR";

std::string text_of(const Attribute& value) {
  if (const std::string* text = std::get_if<std::string>(&value)) return *text;
  if (const double* real = std::get_if<double>(&value)) return absl::StrFormat("%.17g", *real);
  return absl::StrCat(std::get<std::int64_t>(value));
}

void add_provenance(fits::Header& header, const MapProduct& product) {
  header.set("UFVERS", kVersion, "version of unfold");
  header.set("UFCOMMIT", kCommit, "commit of unfold");
  int count = 0;
  for (const auto& [name, value] : product.attributes) {
    header.set(absl::StrFormat("UFP%02d", count), name, "parameter");
    header.set(absl::StrFormat("UFV%02d", count), text_of(value), "its value");
    ++count;
  }
}

// Plate carree about (0, 0). Longitude grows to the left, as the sky is seen: CDELT1 < 0.
fits::Header sky_cards(const MapProduct& product, Unit unit) {
  const sky::Grid& sky = product.sky;
  const double step = 180.0 / sky.nb;
  fits::Header header;
  header.set("BUNIT", unit_text(unit));
  header.set("CTYPE1", "GLON-CAR", "galactic longitude");
  header.set("CUNIT1", "deg");
  header.set("CRVAL1", 0.0);
  header.set("CRPIX1", 0.5 * (sky.nl + 1));
  header.set("CDELT1", -step);
  header.set("CTYPE2", "GLAT-CAR", "galactic latitude");
  header.set("CUNIT2", "deg");
  header.set("CRVAL2", 0.0);
  header.set("CRPIX2", 0.5 * (sky.nb + 1));
  header.set("CDELT2", step);
  if (product.energies > 1) {
    header.set("CTYPE3", "CHANNEL", "row of EBOUNDS");
    header.set("CRVAL3", 1.0);
    header.set("CRPIX3", 1.0);
    header.set("CDELT3", 1.0);
  }
  if (product.energy_edges.size() == 2) {
    header.set("E_MIN", product.energy_edges[0], "keV");
    header.set("E_MAX", product.energy_edges[1], "keV");
  }
  return header;
}

// Rows from south to north, each from the largest longitude down.
std::vector<double> in_fits_order(const std::vector<double>& values, const sky::Grid& sky) {
  std::vector<double> out = values;
  for (auto row = out.begin(); row != out.end(); row += sky.nl) std::reverse(row, row + sky.nl);
  return out;
}

absl::Status write_image(fits::Writer& writer, const MapProduct& product, const char* name,
                         const std::vector<double>& values, fits::Header header) {
  if (values.empty()) return absl::OkStatus();
  std::vector<std::int64_t> axes = {product.sky.nl, product.sky.nb};
  if (product.energies > 1) axes.push_back(product.energies);
  const std::vector<double> ordered = in_fits_order(values, product.sky);
  return writer.image(name, axes, std::span<const double>(ordered), header);
}

absl::Status write_regular(fits::Writer& writer, const MapProduct& product) {
  fits::Header header = sky_cards(product, Unit::kIntensity);
  add_provenance(header, product);
  UNFOLD_RETURN_IF_ERROR(write_image(writer, product, kMap, product.map, std::move(header)));
  UNFOLD_RETURN_IF_ERROR(write_image(writer, product, kExposure, product.exposure,
                                     sky_cards(product, Unit::kExposure)));
  fits::Header errors = sky_cards(product, Unit::kIntensity);
  errors.append_card(absl::StrCat("COMMENT ", kStandardErrorMeaning).substr(0, fits::kCardBytes));
  return write_image(writer, product, kStandardError, product.standard_error, std::move(errors));
}

void add_columns(fits::TableBuilder& builder, const MapProduct& product, const std::string& name,
                 const std::vector<double>& values, Unit unit) {
  if (values.empty()) return;
  const auto pixels = static_cast<std::size_t>(product.sky.pixels());
  for (std::size_t e = 0; e < static_cast<std::size_t>(product.energies); ++e) {
    const std::string title = product.energies == 1 ? name : absl::StrCat(name, e + 1);
    builder.add(title, std::span(values).subspan(e * pixels, pixels), {},
                std::string(unit_text(unit)));
  }
}

absl::Status write_healpix(fits::Writer& writer, const MapProduct& product) {
  fits::TableBuilder builder(kMap);
  add_columns(builder, product, kMap, product.map, Unit::kIntensity);
  add_columns(builder, product, kExposure, product.exposure, Unit::kExposure);
  add_columns(builder, product, kStandardError, product.standard_error, Unit::kIntensity);
  fits::Table table = builder.build();
  fits::Header& header = table.header;
  header.set("PIXTYPE", "HEALPIX", "HEALPix pixelisation");
  header.set("ORDERING", product.sky.nested ? "NESTED" : "RING", "pixel ordering scheme");
  header.set("NSIDE", product.sky.nside, "resolution parameter");
  header.set("COORDSYS", "G", "galactic");
  header.set("INDXSCHM", "IMPLICIT", "row number is pixel number");
  header.set("OBJECT", "FULLSKY");
  header.set("FIRSTPIX", 0, "first pixel (0 based)");
  header.set("LASTPIX", product.sky.pixels() - 1, "last pixel (0 based)");
  if (product.energy_edges.size() == 2) {
    header.set("E_MIN", product.energy_edges[0], "keV");
    header.set("E_MAX", product.energy_edges[1], "keV");
  }
  add_provenance(header, product);
  return writer.table(kMap, table);
}

absl::Status write_energies(fits::Writer& writer, const MapProduct& product) {
  if (product.energy_edges.empty()) return absl::OkStatus();
  const auto count = static_cast<std::size_t>(product.energies);
  std::vector<std::int32_t> channel;
  for (std::size_t e = 0; e < count; ++e) channel.push_back(static_cast<std::int32_t>(e + 1));
  const std::span<const double> edges(product.energy_edges);
  return writer.table("EBOUNDS", fits::TableBuilder("EBOUNDS")
                                     .add("CHANNEL", std::span<const std::int32_t>(channel))
                                     .add("E_MIN", edges.first(count), {}, "keV")
                                     .add("E_MAX", edges.last(count), {}, "keV")
                                     .build());
}

absl::Status bad_product(std::string why) {
  return error({.code = absl::StatusCode::kDataLoss,
                .reason = "BAD_PRODUCT",
                .what = "the product is not fit to publish",
                .why = std::move(why)});
}

absl::Status finite_image(const fits::LoadedFile& file, const fits::Hdu& hdu) {
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<double> values, fits::read_image<double>(file, hdu));
  const bool finite =
      std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  if (finite && !values.empty()) return absl::OkStatus();
  return bad_product(absl::StrCat(hdu.name, " is empty, or holds NaN or infinity"));
}

absl::Status finite_table(const fits::LoadedFile& file, const fits::Hdu& hdu) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::Table table, fits::read_table(file, hdu));
  bool any = false;
  for (const fits::Column& column : table.columns) {
    if (column.name.rfind(kMap, 0) != 0) continue;
    for (std::int64_t row = 0; row < table.rows; ++row) {
      any = true;
      if (std::isfinite(table.number(column, row))) continue;
      return bad_product(absl::StrCat(column.name, " holds NaN or infinity"));
    }
  }
  return any ? absl::OkStatus() : bad_product("it has no map");
}

}  // namespace

absl::Status write_fits_map(const std::string& path, const MapProduct& product) {
  UNFOLD_ASSIGN_OR_RETURN(fits::Writer writer, fits::Writer::create(path, false));
  UNFOLD_RETURN_IF_ERROR(product.sky.kind == sky::GridKind::kRegular
                             ? write_regular(writer, product)
                             : write_healpix(writer, product));
  UNFOLD_RETURN_IF_ERROR(write_energies(writer, product));
  return writer.finish();
}

absl::Status verify_fits_map(const std::string& path) {
  UNFOLD_ASSIGN_OR_RETURN(const fits::LoadedFile file, fits::load_and_scan(path, path));
  if (const std::string problem = fits::checksum_problem(file); !problem.empty()) {
    return bad_product(problem);
  }
  UNFOLD_ASSIGN_OR_RETURN(const fits::Hdu* map, file.structure.require(kMap));
  return map->type == fits::HduType::kImage ? finite_image(file, *map) : finite_table(file, *map);
}

}  // namespace unfold::imaging_data
