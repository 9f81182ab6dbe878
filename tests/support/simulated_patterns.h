#pragma once

#include <cmath>
#include <filesystem>

#include "common/formats/spi/molecule.h"
#include "common/formats/spi/pattern_file.h"
#include "common/simulate/spi.h"

namespace unfold::test {

/// A lopsided pinwheel of 90 carbon atoms, some `diameter` Angstrom across.
inline spi_data::Molecule pinwheel(double diameter) {
  spi_data::Molecule out;
  for (int i = 0; i < 90; ++i) {
    const double along = (i + 0.5) / 90;
    const double turn = 7.3 * along + (i % 3) * 2.1;
    const double radius = 0.5 * diameter * std::sqrt(along) * (i % 3 == 0 ? 1.0 : 0.6);
    spi_data::Atom atom;
    atom.number = 6;
    atom.position = {radius * std::cos(turn), radius * std::sin(turn) * (1 - 0.4 * along),
                     0.35 * diameter * (along - 0.5) * ((i % 2) * 2 - 1)};
    out.atoms.push_back(atom);
  }
  spi_data::centre(out);
  return out;
}

inline simulate::SpiOptions small_patterns(std::int64_t frames, double photons) {
  simulate::SpiOptions out;
  out.geometry.size = 24;
  out.geometry.corner = 8;
  out.frames = frames;
  out.photons = photons;
  return out;
}

inline spi_data::PatternParts simulated_patterns(const simulate::SpiOptions& options,
                                                 double diameter = 40) {
  const spi_data::Molecule molecule = pinwheel(diameter);
  simulate::SpiPatterns made = *simulate::patterns({&molecule, 1}, options);
  spi_data::PatternParts out;
  out.detector = made.detector;
  out.frames = made.frames;
  if (made.counts.empty()) {
    out.intensities = made.expected;
  } else {
    out.counts = made.counts;
  }
  out.truth = made.truth;
  return out;
}

}  // namespace unfold::test
