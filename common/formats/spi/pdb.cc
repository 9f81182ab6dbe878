#include "common/formats/spi/pdb.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/cosi/text_lines.h"

namespace unfold::spi_data {
namespace {

constexpr std::array<std::string_view, 98> kSymbols = {
    "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si",
    "P",  "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni",
    "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo",
    "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba",
    "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb",
    "Lu", "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po",
    "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf"};

/// Columns [begin, end) of a record, counted from 0; what a short line lacks is blank.
std::string_view columns(std::string_view line, std::size_t begin, std::size_t end) {
  if (line.size() <= begin) return {};
  line = line.substr(begin, end - begin);
  const std::size_t from = line.find_first_not_of(" \t");
  return from == line.npos ? std::string_view()
                           : line.substr(from, line.find_last_not_of(" \t") + 1 - from);
}

bool begins_with(std::string_view line, std::string_view record) {
  return line.substr(0, record.size()) == record;
}

bool is_water(std::string_view residue) {
  return residue == "HOH" || residue == "DOD" || residue == "WAT";
}

/// Columns 77-78; where they are blank, the name's first two columns, which hold the symbol.
int element_at(std::string_view line) {
  const std::string_view told = columns(line, 76, 78);
  if (!told.empty()) return atomic_number(told);
  std::string name(columns(line, 12, 14));
  while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.front()))) name.erase(0, 1);
  const int whole = atomic_number(name);
  return whole != 0 || name.empty() ? whole : atomic_number(name.substr(0, 1));
}

/// A number, or `absent` where the columns are blank. False where they hold anything else.
bool number_at(std::string_view line, std::size_t begin, std::size_t end, double absent,
               double& value) {
  const std::string_view word = columns(line, begin, end);
  value = absent;
  return word.empty() || cosi::parse_number(word, value);
}

/// Keeps one location of what has several: the first of its residue.
class Locations {
 public:
  bool take(std::string_view line) {
    const char location = line.size() > 16 ? line[16] : ' ';
    if (location == ' ') return true;
    const std::string residue(columns(line, 21, 27));
    return first_.try_emplace(residue, location).first->second == location;
  }

 private:
  std::map<std::string, char> first_;
};

absl::StatusOr<Atom> atom_at(std::string_view line, const cosi::TextLines& text) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Atom atom;
  bool good = number_at(line, 54, 60, 1, atom.occupancy) && number_at(line, 60, 66, 0, atom.b);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double& x = atom.position[axis];
    good = good && number_at(line, 30 + 8 * axis, 38 + 8 * axis, kNone, x) && std::abs(x) < 1e5;
  }
  if (!good || !(atom.occupancy >= 0 && atom.occupancy <= 1)) {
    return text.wrong("BAD_PDB", "coordinates, occupancy or B factor are no such numbers",
                      "correct the record");
  }
  atom.number = element_at(line);
  if (atom.number == 0)
    return text.wrong("BAD_PDB", "no element has that symbol", "correct columns 77-78");
  atom.chain = line.size() > 21 ? line[21] : ' ';
  return atom;
}

absl::Status no_atoms(const NamedFile& file, const PdbChoice& choice) {
  const bool asked = !choice.chains.empty();
  return error({.reason = "NO_ATOMS",
                .field = asked ? "chain" : "",
                .what = absl::StrCat("no atom in \"", file.shown, "\""),
                .why = asked ? absl::StrCat("none is in chain ", choice.chains)
                             : "it has no ATOM or HETATM record",
                .remedy = asked ? "take chains of column 22"
                                : "give a file in the Protein Data Bank's format"});
}

/// Atoms of a file that were not asked for, for the molecule's warnings.
struct LeftOut {
  std::int64_t waters = 0;
  std::int64_t others = 0;  ///< further chains, hydrogens
  std::int64_t locations = 0;

  void tell(std::vector<std::string>& warnings) const {
    if (waters > 0) warnings.push_back(absl::StrCat(waters, " water molecules left out"));
    if (others > 0)
      warnings.push_back(absl::StrCat(others, " atoms of other chains or hydrogen left out"));
    if (locations > 0)
      warnings.push_back(absl::StrCat(locations, " alternate locations of atoms left out"));
  }
};

bool is_other(std::string_view line, const PdbChoice& choice) {
  const char chain = line.size() > 21 ? line[21] : ' ';
  if (!choice.chains.empty() && choice.chains.find(chain) == std::string::npos) return true;
  return !choice.hydrogens && element_at(line) == 1;
}

}  // namespace

absl::StatusOr<Molecule> read_pdb(const NamedFile& file, const PdbChoice& choice) {
  UNFOLD_ASSIGN_OR_RETURN(cosi::TextLines text, cosi::TextLines::open(file.path, file.shown));
  Molecule molecule;
  Locations locations;
  LeftOut left;
  for (std::string_view line;;) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, text.next(line));
    if (!more || begins_with(line, "ENDMDL")) break;
    if (!begins_with(line, "ATOM  ") && !begins_with(line, "HETATM")) continue;
    if (!choice.waters && is_water(columns(line, 17, 20))) {
      ++left.waters;
    } else if (is_other(line, choice)) {
      ++left.others;
    } else if (!locations.take(line)) {
      ++left.locations;
    } else {
      UNFOLD_ASSIGN_OR_RETURN(const Atom atom, atom_at(line, text));
      molecule.atoms.push_back(atom);
    }
  }
  if (molecule.atoms.empty()) return no_atoms(file, choice);
  left.tell(molecule.warnings);
  return molecule;
}

int atomic_number(std::string_view symbol) {
  std::string name(symbol);
  for (char& letter : name)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (!name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  if (name == "D") return 1;
  const auto* found = std::find(kSymbols.begin(), kSymbols.end(), name);
  return found == kSymbols.end() ? 0 : static_cast<int>(found - kSymbols.begin()) + 1;
}

std::string element_symbol(int number) {
  return number >= 1 && number <= static_cast<int>(kSymbols.size())
             ? std::string(kSymbols[static_cast<std::size_t>(number - 1)])
             : std::string();
}

}  // namespace unfold::spi_data
