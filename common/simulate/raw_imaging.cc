#include "common/simulate/raw_imaging.h"

#include <cmath>
#include <numbers>

#include "common/base/status_macros.h"
#include "common/simulate/compton_response.h"
#include "common/simulate/npz.h"
#include "common/simulate/raw_events.h"

namespace unfold::simulate {
namespace {

constexpr double kRadian = std::numbers::pi / 180;

std::vector<double> steps(double from, double step, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(from + i * step);
  return values;
}

/// Centres, edges and widths of one axis, under the names that the Data Challenge reads.
void add_axis(NpzWriter& npz, const std::string& letter, double step, int count) {
  const std::int64_t n = count;
  npz.add(letter + "_cen", steps(step / 2, step, count), {n});
  npz.add(letter + "_wid", std::vector<double>(static_cast<std::size_t>(count), step), {n});
  npz.add(letter + "_edges", steps(0, step, count + 1), {n + 1});
  npz.add(letter + "_min", steps(0, step, count), {n});
  npz.add(letter + "_max", steps(step, step, count), {n});
  npz.add("n_" + letter, std::vector<std::int64_t>{n}, {});
}

/// Azimuth and zenith of a lattice and the steps between, as numpy.meshgrid gives them. [nb, nl]
void add_mesh(NpzWriter& npz, const std::string& suffix, double from, double step, int nb, int nl) {
  std::vector<double> azimuth;
  std::vector<double> zenith;
  for (int i = 0; i < nb * nl; ++i) {
    azimuth.push_back(from + i % nl * step);
    zenith.push_back(from + i / nl * step);
  }
  const std::vector<double> each(azimuth.size(), step);
  npz.add("L_ARR" + suffix, azimuth, {nb, nl});
  npz.add("B_ARR" + suffix, zenith, {nb, nl});
  npz.add("dL_ARR" + suffix, each, {nb, nl});
  npz.add("dB_ARR" + suffix, each, {nb, nl});
}

void add_energy(NpzWriter& npz, double low, double high) {
  npz.add("e_cen", std::vector<double>{(low + high) / 2}, {1});
  npz.add("e_wid", std::vector<double>{high - low}, {1});
  npz.add("e_edges", std::vector<double>{low, high}, {2});
  npz.add("e_min", std::vector<double>{low}, {1});
  npz.add("e_max", std::vector<double>{high}, {1});
  npz.add("n_e", std::vector<std::int64_t>{1}, {});
}

/// [zenith, azimuth, phi, fisbel] cm2, zero where no events are selected.
void add_grid(NpzWriter& npz, const DataSpace& space, const imaging_data::ProblemParts& parts,
              int nb, int nl) {
  npz.begin("ResponseGrid", {nb, nl, space.phi_bins, space.fisbel_bins});
  std::vector<double> all(static_cast<std::size_t>(space.phi_bins) *
                          static_cast<std::size_t>(space.fisbel_bins));
  const auto bins = static_cast<std::size_t>(parts.bins);
  for (std::size_t k = 0; k < static_cast<std::size_t>(parts.directions); ++k) {
    for (std::size_t d = 0; d < bins; ++d)
      all[static_cast<std::size_t>(parts.cds_index[d])] = parts.instrument_response[k * bins + d];
    npz.append(all);
  }
  npz.end();
}

absl::Status write_response(const std::string& path, double energy, const DataSpace& space,
                            const imaging_data::ProblemParts& parts) {
  const int nb = parts.sky.nb;
  const int nl = parts.sky.nl;
  const double step = parts.pix_deg * kRadian;
  NpzWriter npz(path);
  add_grid(npz, space, parts, nb, nl);
  add_energy(npz, energy - 10, energy + 10);
  add_axis(npz, "l", step, nl);
  add_axis(npz, "b", step, nb);
  add_mesh(npz, "", step / 2, step, nb, nl);
  add_mesh(npz, "_edges", 0, step, nb + 1, nl + 1);
  std::vector<double> area;
  for (int i = 0; i < nb * nl; ++i) {
    const double top = i / nl * step;
    area.push_back(step * (std::cos(top) - std::cos(top + step)));
  }
  npz.add("dOmega", area, {nb, nl});
  return npz.finish();
}

/// Four energy bins of 10 keV around the line, all of one shape.
absl::Status write_background(const std::string& path, double energy, const DataSpace& space,
                              const imaging_data::ProblemParts& parts, double counts) {
  constexpr int kEnergies = 4;
  const std::size_t bins =
      static_cast<std::size_t>(space.phi_bins) * static_cast<std::size_t>(space.fisbel_bins);
  std::vector<double> shape(kEnergies * bins);
  for (std::size_t e = 0; e < kEnergies; ++e)
    for (std::size_t d = 0; d < parts.cds_index.size(); ++d)
      shape[e * bins + static_cast<std::size_t>(parts.cds_index[d])] =
          parts.background_dc1.spectrum[d];
  std::vector<std::int64_t> edges;
  for (int e = 0; e <= kEnergies; ++e)
    edges.push_back(static_cast<std::int64_t>(std::lround(energy)) + 10 * (e - kEnergies / 2));
  NpzWriter npz(path);
  npz.add("bg_response", shape, {kEnergies, space.phi_bins, space.fisbel_bins});
  npz.add("energy_bin_edges", edges, {kEnergies + 1});
  npz.add("n_bg_ph_per_bin", std::vector<double>(kEnergies, counts / 2), {kEnergies});
  return npz.finish();
}

}  // namespace

absl::Status write_raw_imaging(const RawImagingFiles& files, const ImagingScene& scene,
                               const imaging_data::ProblemParts& parts,
                               const std::vector<DrawnEvent>& events) {
  const DataSpace space = data_space(parts.pix_deg);
  const double energy = scene.options().energy;
  UNFOLD_RETURN_IF_ERROR(write_events(files.events, scene, parts, events));
  UNFOLD_RETURN_IF_ERROR(write_orientations(files.attitude, scene.flight(), parts.attitude));
  UNFOLD_RETURN_IF_ERROR(
      write_background(files.background, energy, space, parts, scene.expected_background_counts()));
  return write_response(files.response, energy, space, parts);
}

}  // namespace unfold::simulate
