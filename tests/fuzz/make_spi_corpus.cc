// Writes the single-particle seeds of tests/fuzz/corpus. Usage: make_spi_corpus FOLDER

#include <cstdio>
#include <filesystem>
#include <string>

#include "common/formats/spi/mrc.h"
#include "common/formats/spi/pattern_file.h"
#include "tests/common/formats/spi/patterns.h"
#include "tests/support/scratch_folder.h"

namespace unfold {
namespace {

constexpr char kConfig[] =
    "# seed\n[parameters]\nlambda = 2\ndetd = 500\n\n[make_data]\nout_photons_file = "
    "spi-sparse.emc\n"
    "\n[emc]\nin_photons_file = make_data:::out_photons_file\nin_detector_file = spi-detector.dat\n"
    "num_div = 8 4\nneed_scaling = 1\nbeta = auto\nbeta_factor = 0.5\nbeta_schedule = 1.4 10\n"
    "selection = odd_only\nalpha = 0.5\nsomething = else\n";
constexpr char kGeometry[] =
    "photon_energy = 9000 ; eV\nclen = /LCLS/clen mm\nres = 2000\nadu_per_eV = 0.01\n"
    "mask = /entry_1/mask\nmask_good = 0x1\nrigid_group_all = a,b\n"
    "a/min_fs = 0\na/max_fs = 7\na/min_ss = 0\na/max_ss = 3\na/corner_x = -4\na/corner_y = 1\n"
    "a/fs = +1.0x +0.01y\na/ss = -0.01x +y\nb/dim0 = %\nb/dim1 = 1\nb/min_fs = 0\nb/max_fs = 7\n"
    "b/min_ss = 4\nb/max_ss = 7\nb/corner_x = 4\nb/corner_y = -1\nb/fs = -x +0.1z\nb/ss = -1.0y\n"
    "bad_ring/min_x = -2\nbad_ring/max_x = 2\nbad_ring/min_y = 1\nbad_ring/max_y = 2\n"
    "bad_line/min_fs = 3\nbad_line/max_fs = 3\nbad_line/min_ss = 0\nbad_line/max_ss = 7\n"
    "bad_line/panel = b\n";
constexpr char kAtoms[] =
    "HEADER    SEED\n"
    "MODEL        1\n"
    "ATOM      1  N   MET A   1      27.340  24.430   2.614  1.00  9.67           N  \n"
    "ATOM      2  CA AMET A   1      26.266  25.413   2.842  0.60 10.38           C  \n"
    "ATOM      3  CA BMET A   1      26.913  26.639   3.531  0.40  9.62           C  \n"
    "HETATM    4  O   HOH B   2      27.886  26.463   4.263  1.00  9.62           O  \n"
    "HETATM    5 ZN    ZN B   3      25.112  24.880   3.649\n"
    "ENDMDL\nEND\n";

// Three frames of 24 pixels as dense 32-bit counts.
std::string dense_photons() {
  std::string out(1024 + 3 * 24 * 4, '\0');
  const auto put = [&](std::size_t word, char value) { out[4 * word] = value; };
  put(0, 3);
  put(1, 24);
  put(2, 1);
  for (std::size_t i = 0; i < 72; i += 5) put(256 + i, static_cast<char>(i % 4));
  return out;
}

void write_all(const std::filesystem::path& folder) {
  const spi_data::PatternParts parts = test::small_patterns(3);
  spi_data::write_emc(folder / "spi-sparse.emc", parts).IgnoreError();
  spi_data::write_dragonfly_detector(folder / "spi-detector.dat", parts.detector).IgnoreError();
  test::write_text(folder / "spi-dense.emc", dense_photons());
  test::write_text(folder / "spi-config.ini", kConfig);
  test::write_text(folder / "spi-panels.geom", kGeometry);
  test::write_text(folder / "spi-atoms.pdb", kAtoms);
  const std::vector<double> density(27, 0.5);
  spi_data::write_mrc(folder / "spi-map.mrc", spi_data::centred_volume(3, 4.5, density))
      .IgnoreError();
}

}  // namespace
}  // namespace unfold

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: make_spi_corpus FOLDER\n", stderr);
    return 2;
  }
  std::filesystem::create_directories(arguments[1]);
  unfold::write_all(arguments[1]);
  return 0;
}
