#pragma once

#include "common/formats/spi/pdb.h"

namespace unfold::spi_data {

/// Moves the centre, atoms weighted by their number of electrons, to the origin.
void centre(Molecule& molecule);

/// The largest extent over 1500 directions: at most 0.2 % below the largest distance of two atoms.
double diameter_of(const Molecule& molecule);

}  // namespace unfold::spi_data
