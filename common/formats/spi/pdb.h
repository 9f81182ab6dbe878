#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

struct Atom {
  int number = 0;                    ///< Z, 1 .. 98
  std::array<double, 3> position{};  ///< Angstrom
  double occupancy = 1;              ///< 0 .. 1
  double b = 0;                      ///< B factor, Angstrom^2
  char chain = ' ';
};

struct Molecule {
  std::vector<Atom> atoms{};
  std::vector<std::string> warnings{};  ///< what was left out, and why
};

struct PdbChoice {
  std::string chains{};   ///< one letter each; empty: all
  bool waters = false;    ///< HOH, WAT, DOD
  bool hydrogens = true;  ///< where the file has them
};

/// ATOM and HETATM of the first MODEL, alternate location ' ' or the first letter that a residue
/// has. The element from columns 77-78, or from the atom's name where they are blank. Errors name
/// the line: BAD_PDB; NO_ATOMS. wwPDB format 3.3.
absl::StatusOr<Molecule> read_pdb(const NamedFile& file, const PdbChoice& choice = {});

/// 0 where there is no such element; letters in any case.
int atomic_number(std::string_view symbol);
std::string element_symbol(int number);

}  // namespace unfold::spi_data
