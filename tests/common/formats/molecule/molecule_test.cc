#include "common/formats/spi/molecule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "common/base/error.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::spi_data {
namespace {

// Columns: 1234567890123456789012345678901234567890123456789012345678901234567890123456789
constexpr char kCarbon[] =
    "ATOM      1  CA  GLY A   1       1.000   2.000   3.000  1.00 10.00           C  ";
constexpr char kOxygen[] =
    "ATOM      2  O   GLY B   1      -1.000   0.500   0.000  0.50 20.00           O  ";
constexpr char kWater[] =
    "HETATM    3  O   HOH A   2       9.000   9.000   9.000  1.00 10.00           O  ";

class ReadPdbTest : public testing::Test {
 protected:
  absl::StatusOr<Molecule> read(const std::string& text, const PdbChoice& choice = {}) {
    const std::filesystem::path file = folder_ / "x.pdb";
    test::write_text(file, text);
    return read_pdb({file.string(), "x.pdb"}, choice);
  }
  test::ScratchFolder folder_;
};

std::string lines(std::initializer_list<std::string> all) {
  std::string out;
  for (const std::string& line : all) {
    out += line;
    out += "\n";
  }
  return out;
}

TEST_F(ReadPdbTest, TakesAtomsByTheirColumnsAndLeavesWaterOut) {
  const auto molecule = read(lines({"HEADER    A TEST", kCarbon, kOxygen, kWater, "END"}));
  ASSERT_TRUE(molecule.ok()) << molecule.status();
  ASSERT_EQ(molecule->atoms.size(), 2u);
  const Atom& oxygen = molecule->atoms[1];
  EXPECT_EQ(oxygen.number, 8);
  EXPECT_EQ(oxygen.position, (std::array<double, 3>{-1, 0.5, 0}));
  EXPECT_EQ(oxygen.occupancy, 0.5);
  EXPECT_EQ(oxygen.b, 20);
  const auto wet = read(lines({kCarbon, kWater}), {.waters = true});
  EXPECT_EQ(wet->atoms.size(), 2u);
  ASSERT_EQ(molecule->warnings.size(), 1u);
  EXPECT_EQ(molecule->warnings[0], "1 water molecules left out");
}

TEST_F(ReadPdbTest, TakesOneChainOneModelAndOneLocation) {
  std::string first = kCarbon;
  std::string second = kCarbon;
  first[16] = 'B';
  second[16] = 'C';
  const auto molecule =
      read(lines({"MODEL        1", first, second, kOxygen, "ENDMDL", "MODEL        2", kOxygen}));
  EXPECT_EQ(molecule->atoms.size(), 2u);
  const auto chain = read(lines({kCarbon, kOxygen}), {.chains = "B"});
  ASSERT_EQ(chain->atoms.size(), 1u);
  EXPECT_EQ(chain->atoms[0].number, 8);
}

TEST_F(ReadPdbTest, FindsTheElementInTheNameWhereItsColumnsAreBlank) {
  std::string zinc = std::string(kCarbon).substr(0, 66);
  zinc.replace(12, 4, "ZN  ");
  std::string hydrogen = zinc;
  hydrogen.replace(12, 4, "1HB ");
  const auto molecule = read(lines({zinc, hydrogen}));
  ASSERT_TRUE(molecule.ok()) << molecule.status();
  EXPECT_EQ(molecule->atoms[0].number, 30);
  EXPECT_EQ(molecule->atoms[1].number, 1);
  EXPECT_EQ(read(lines({zinc, hydrogen}), {.hydrogens = false})->atoms.size(), 1u);
}

TEST(ElementTest, SymbolsAreKnownInAnyCase) {
  EXPECT_EQ(atomic_number("ZN"), 30);
  EXPECT_EQ(atomic_number("zn"), 30);
  EXPECT_EQ(atomic_number("D"), 1);
  EXPECT_EQ(atomic_number(""), 0);
  EXPECT_EQ(atomic_number("Xx"), 0);
  EXPECT_EQ(element_symbol(98), "Cf");
  EXPECT_EQ(element_symbol(99), "");
  for (int z = 1; z <= 98; ++z) EXPECT_EQ(atomic_number(element_symbol(z)), z);
}

TEST_F(ReadPdbTest, NamesTheLineThatIsNoAtom) {
  std::string bad = kOxygen;
  bad.replace(38, 8, "   x.500");
  const absl::Status status = read(lines({kCarbon, bad})).status();
  EXPECT_EQ(reason_of(status), "BAD_PDB");
  EXPECT_NE(status.message().find("line 2"), std::string::npos) << status;
  std::string unknown = kOxygen;
  unknown.replace(76, 2, "QQ");
  EXPECT_EQ(reason_of(read(lines({unknown})).status()), "BAD_PDB");
  std::string short_line = std::string(kOxygen).substr(0, 40);
  EXPECT_EQ(reason_of(read(lines({short_line})).status()), "BAD_PDB");
}

TEST_F(ReadPdbTest, RefusesFilesWithoutAtomsAndChainsThatAreNotThere) {
  EXPECT_EQ(reason_of(read("one\ntwo\n").status()), "NO_ATOMS");
  const absl::Status status = read(lines({kCarbon}), {.chains = "Q"}).status();
  EXPECT_EQ(reason_of(status), "NO_ATOMS");
  EXPECT_EQ(field_of(status), "chain");
}

TEST(MoleculeTest, IsCentredOnItsElectrons) {
  Molecule molecule;
  molecule.atoms = {{.number = 6, .position = {0, 0, 0}}, {.number = 18, .position = {4, 0, 0}}};
  centre(molecule);
  EXPECT_NEAR(molecule.atoms[0].position[0], -3, 1e-12);
  EXPECT_NEAR(molecule.atoms[1].position[0], 1, 1e-12);
  EXPECT_NEAR(diameter_of(molecule), 4, 0.01);
}

TEST(MoleculeTest, TheSharedProteinHasItsAtomsAndItsDiameter) {
  const auto file = test::shared_file("data/spi/2cex.pdb");
  if (file.empty()) GTEST_SKIP() << "no shared data";
  const auto molecule = read_pdb({file.string(), "2cex.pdb"});
  ASSERT_TRUE(molecule.ok()) << molecule.status();
  EXPECT_EQ(molecule->atoms.size(), 2363u);
  EXPECT_NEAR(diameter_of(*molecule), 67.78, 0.15);
}

}  // namespace
}  // namespace unfold::spi_data
