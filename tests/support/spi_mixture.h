#pragma once

#include <complex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/formats/spi/molecule.h"
#include "common/formats/spi/structure_factors.h"
#include "common/simulate/spi.h"
#include "tests/support/spi_case.h"

/// Simulated frames, as the kernels take them. The simulator's default geometry is that of the
/// shared cases: 32 x 32 pixels, 9 Angstrom in the corner, wavelength 2 Angstrom.
namespace unfold::test {

struct SpiMixture {
  SpiCase data;                                ///< its density: that of the first molecule
  std::vector<std::int32_t> conformation;      ///< [N] which molecule
  std::vector<std::vector<double>> densities;  ///< [C][M^3]
};

/// Of a PDB file, about its centre; `chains`: letters, or empty for all.
inline spi_data::Molecule molecule_of(const std::string& path, const std::string& chains = "") {
  spi_data::Molecule out =
      spi_data::read_pdb({.path = path, .shown = path}, {.chains = chains}).value();
  spi_data::centre(out);
  return out;
}

inline spi::Detector detector_of(const spi_data::Detector& made) {
  spi::Detector out{made.q, made.correction, {}, made.qmax(), made.picture};
  for (const std::uint8_t m : made.mask) out.mask.push_back(static_cast<spi::PixelClass>(m));
  return out;
}

inline std::vector<double> density_of(const spi_data::Molecule& molecule,
                                      const spi_data::Scattering& scattering, spi::Index grid,
                                      double qmax) {
  const std::vector<double> q = spi_data::grid_modes(grid, qmax);
  std::vector<std::complex<float>> modes(q.size() / 3);
  spi_data::StructureFactors(molecule, scattering).amplitudes(q, modes);
  return spi_data::density_of(grid, modes);
}

inline SpiMixture mixture_of(std::span<const spi_data::Molecule> molecules,
                             const simulate::SpiOptions& options, spi::Index grid) {
  simulate::SpiPatterns made = simulate::patterns(molecules, options).value();
  SpiMixture out;
  out.data.detector = detector_of(made.detector);
  const auto pixels = static_cast<spi::Index>(made.detector.pixels());
  out.data.frames = made.counts.empty()
                        ? spi::PatternSet::dense(made.frames, pixels, std::move(made.expected))
                        : spi::PatternSet::dense(made.frames, pixels, std::move(made.counts));
  for (const auto& q : made.truth.orientations) {
    out.data.orientation.push_back({q[0], q[1], q[2], q[3]});
  }
  out.data.fluence = made.truth.fluences;
  out.conformation = made.truth.conformations;
  for (const spi_data::Molecule& molecule : molecules) {
    out.densities.push_back(density_of(molecule, options.scattering, grid, out.data.detector.qmax));
  }
  out.data.density = out.densities[0];
  return out;
}

}  // namespace unfold::test
