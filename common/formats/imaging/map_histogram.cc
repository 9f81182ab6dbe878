#include <numeric>
#include <span>

#include "common/base/status_macros.h"
#include "common/formats/imaging/map_layout.h"
#include "common/formats/imaging/units.h"

namespace unfold::imaging_data {
namespace {

using Words = std::vector<std::string>;

absl::Status write_axis(hdf5::Writer& writer, const std::string& path, const std::string& label,
                        const std::string& scale, const Words& type) {
  UNFOLD_RETURN_IF_ERROR(writer.attribute(path, "label", label));
  UNFOLD_RETURN_IF_ERROR(writer.attribute(path, "scale", scale));
  return writer.attribute(path, "__class__", type);
}

// Pixel numbers as edges. A regular grid is no axis that histpy knows: its pixels are just counted.
absl::Status write_sky_axis(hdf5::Writer& writer, const sky::Grid& sky) {
  const std::string path = "hist/axes/0";
  std::vector<std::int64_t> edges(static_cast<std::size_t>(sky.pixels() + 1));
  std::iota(edges.begin(), edges.end(), std::int64_t{0});
  UNFOLD_RETURN_IF_ERROR(
      writer.dataset(path, {sky.pixels() + 1}, std::span<const std::int64_t>(edges)));
  if (sky.kind == sky::GridKind::kRegular) {
    return write_axis(writer, path, "lb", "linear", {"histpy.axis", "Axis"});
  }
  UNFOLD_RETURN_IF_ERROR(writer.attribute(path, "nside", std::int64_t{sky.nside}));
  UNFOLD_RETURN_IF_ERROR(
      writer.attribute(path, "scheme", std::string(sky.nested ? "NESTED" : "RING")));
  UNFOLD_RETURN_IF_ERROR(writer.attribute(path, "coordsys", std::string("galactic")));
  return write_axis(writer, path, "lb", "linear", {"histpy.healpix_axis", "HealpixAxis"});
}

absl::Status write_energy_axis(hdf5::Writer& writer, const MapProduct& product) {
  const std::string path = "hist/axes/1";
  std::vector<double> edges = product.energy_edges;
  if (edges.empty()) {  // no energies are known: bins are counted
    edges.resize(static_cast<std::size_t>(product.energies + 1));
    std::iota(edges.begin(), edges.end(), 0.0);
  }
  const auto count = static_cast<std::int64_t>(edges.size());
  UNFOLD_RETURN_IF_ERROR(writer.dataset(path, {count}, std::span<const double>(edges)));
  if (product.energy_edges.empty()) {
    return write_axis(writer, path, "Ei", "linear", {"histpy.axis", "Axis"});
  }
  UNFOLD_RETURN_IF_ERROR(writer.attribute(path, "unit", std::string(unit_text(Unit::kEnergy))));
  return write_axis(writer, path, "Ei", edges.front() > 0 ? "log" : "linear",
                    {"histpy.axis", "Axis"});
}

}  // namespace

absl::Status write_histogram(hdf5::Writer& writer, const MapProduct& product) {
  const auto pixels = static_cast<std::size_t>(product.sky.pixels());
  const auto energies = static_cast<std::size_t>(product.energies);
  std::vector<double> contents(product.map.size());
  for (std::size_t e = 0; e < energies; ++e) {
    for (std::size_t p = 0; p < pixels; ++p) {
      contents[p * energies + e] = product.map[e * pixels + p];
    }
  }
  UNFOLD_RETURN_IF_ERROR(writer.dataset("hist/contents", {product.sky.pixels(), product.energies},
                                        std::span<const double>(contents)));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("hist", "format", std::string("dense")));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("hist", "unit", std::string("1 / (s sr cm2)")));
  UNFOLD_RETURN_IF_ERROR(write_sky_axis(writer, product.sky));
  return write_energy_axis(writer, product);
}

}  // namespace unfold::imaging_data
