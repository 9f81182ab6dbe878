#include "common/simulate/spi_truth.h"

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <complex>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/hdf5/writer.h"
#include "common/simulate/spi_geometry.h"

namespace unfold::simulate {
namespace {

std::int64_t length(const auto& values) { return static_cast<std::int64_t>(values.size()); }

template <class T>
absl::Status put(hdf5::Writer& writer, const std::string& name,
                 const std::vector<std::int64_t>& shape, const std::vector<T>& values) {
  return writer.dataset(name, shape, std::span<const T>(values));
}

template <std::size_t K>
std::vector<double> flat(const std::vector<std::array<double, K>>& rows) {
  std::vector<double> out;
  out.reserve(rows.size() * K);
  for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
  return out;
}

absl::Status write_frames(hdf5::Writer& writer, const SpiPatterns& patterns) {
  const spi_data::Truth& truth = patterns.truth;
  const std::int64_t n = patterns.frames;
  UNFOLD_RETURN_IF_ERROR(put(writer, "orientations", {n, 4}, flat(truth.orientations)));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("orientations", "convention",
                                          std::string("(w, x, y, z); volume-frame q = R^T q_lab")));
  UNFOLD_RETURN_IF_ERROR(put(writer, "fluences", {n}, truth.fluences));
  UNFOLD_RETURN_IF_ERROR(put(writer, "conformation", {n}, truth.conformations));
  UNFOLD_RETURN_IF_ERROR(put(writer, "non_hit", {n}, truth.non_hits));
  UNFOLD_RETURN_IF_ERROR(put(writer, "beam_offset", {n, 2}, flat(patterns.beam_offset)));
  UNFOLD_RETURN_IF_ERROR(writer.attribute("beam_offset", "unit", std::string("pixel")));
  if (patterns.background.empty()) return absl::OkStatus();
  return put(writer, "background", {length(patterns.background)}, patterns.background);
}

absl::Status write_atoms(hdf5::Writer& writer, const std::string& name,
                         const spi_data::Molecule& molecule) {
  std::vector<double> rows;
  for (const spi_data::Atom& atom : molecule.atoms) {
    rows.push_back(atom.number);
    rows.insert(rows.end(), atom.position.begin(), atom.position.end());
    rows.push_back(atom.occupancy);
  }
  UNFOLD_RETURN_IF_ERROR(put(writer, name, {length(molecule.atoms), 5}, rows));
  return writer.attribute(name, "columns", std::string("Z, x, y, z (Angstrom), occupancy"));
}

/// F on the grid's modes, exactly; planes in parallel.
std::vector<std::complex<float>> modes_of(const spi_data::Molecule& molecule,
                                          const spi_data::Scattering& scattering, std::int64_t grid,
                                          double qmax) {
  const spi_data::StructureFactors sums(molecule, scattering);
  const std::vector<double> q = spi_data::grid_modes(grid, qmax);
  std::vector<std::complex<float>> out(q.size() / 3);
  const auto plane = static_cast<std::size_t>(grid * grid);
  tbb::parallel_for(std::size_t{0}, static_cast<std::size_t>(grid), [&](std::size_t i) {
    sums.amplitudes(std::span(q).subspan(3 * i * plane, 3 * plane),
                    std::span(out).subspan(i * plane, plane));
  });
  return out;
}

absl::Status write_volumes(hdf5::Writer& writer, const std::string& number,
                           const std::vector<std::complex<float>>& modes, std::int64_t grid) {
  std::vector<float> parts;
  parts.reserve(2 * modes.size());
  for (const std::complex<float>& mode : modes)
    parts.insert(parts.end(), {mode.real(), mode.imag()});
  UNFOLD_RETURN_IF_ERROR(
      put(writer, absl::StrCat("volume/", number), {grid, grid, grid, 2}, parts));
  const std::vector<double> density = spi_data::density_of(grid, modes);
  const std::string name = absl::StrCat("density/", number);
  UNFOLD_RETURN_IF_ERROR(put(writer, name, {grid, grid, grid}, density));
  return writer.attribute(name, "unit", std::string("electrons a voxel"));
}

absl::Status write_options(hdf5::Writer& writer, const SpiOptions& o, const SpiPatterns& patterns,
                           double qmax) {
  const bool charge = o.scattering.form_factors == spi_data::FormFactors::kCharge;
  const std::vector<std::pair<std::string, hdf5::Attribute>> all = {
      {"format", std::string("unfold spi truth")},
      {"qmax_invA", qmax},
      {"wavelength_A", o.geometry.wavelength},
      {"distance_m", o.geometry.distance},
      {"pixel_size_m", pixel_size_of(o.geometry)},
      {"photons", o.photons},
      {"photons_per_intensity", patterns.photons_per_intensity},
      {"fluence_sigma", o.fluence_sigma},
      {"background_share", o.background},
      {"non_hit_share", o.non_hits},
      {"jitter_pixels", o.jitter},
      {"b_factor_A2", o.scattering.b_factor},
      {"form_factors", std::string(charge ? "charge" : "international-tables")},
      {"seed", static_cast<std::int64_t>(o.seed)}};
  for (const auto& [name, value] : all) UNFOLD_RETURN_IF_ERROR(writer.attribute("/", name, value));
  return absl::OkStatus();
}

}  // namespace

absl::Status write_spi_truth(const std::string& path, const SpiPatterns& patterns,
                             std::span<const spi_data::Molecule> molecules,
                             const SpiOptions& options, std::int64_t grid) {
  UNFOLD_ASSIGN_OR_RETURN(hdf5::Writer writer, hdf5::Writer::create(path));
  const double qmax = patterns.detector.qmax();
  UNFOLD_RETURN_IF_ERROR(write_options(writer, options, patterns, qmax));
  UNFOLD_RETURN_IF_ERROR(write_frames(writer, patterns));
  if (options.object == SpiObject::kBall) return writer.finish();
  for (std::size_t c = 0; c < molecules.size(); ++c) {
    const std::string number = absl::StrCat(c);
    UNFOLD_RETURN_IF_ERROR(write_atoms(writer, absl::StrCat("atoms/", number), molecules[c]));
    UNFOLD_RETURN_IF_ERROR(write_volumes(
        writer, number, modes_of(molecules[c], options.scattering, grid, qmax), grid));
  }
  return writer.finish();
}

}  // namespace unfold::simulate
