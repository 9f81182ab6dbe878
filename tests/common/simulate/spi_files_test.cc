#include "common/simulate/spi_files.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "common/base/error.h"
#include "common/formats/spi/dragonfly.h"
#include "common/formats/spi/source.h"
#include "tests/support/hdf5_numbers.h"
#include "tests/support/scratch_folder.h"

namespace unfold::simulate {
namespace {

constexpr char kPdb[] =
    "ATOM      1  C   LIG A   1       0.000   0.000   0.000  1.00 10.00           C  \n"
    "ATOM      2  S   LIG A   1      18.000   3.000  -2.000  1.00 10.00           S  \n"
    "ATOM      3  O   LIG B   1      -9.000  12.000   6.000  1.00 10.00           O  \n"
    "HETATM    4  O   HOH B   2      90.000  90.000  90.000  1.00 10.00           O  \n";

class SpiFilesTest : public testing::Test {
 protected:
  SpiFilesTest() {
    test::write_text(folder_ / "a.pdb", kPdb);
    options_.frames = 20;
    options_.geometry.size = 8;
    options_.geometry.beamstop = 1;
    files_.pdb = {(folder_ / "a.pdb").string()};
    files_.output = (folder_ / "new/patterns.h5").string();
  }
  test::ScratchFolder folder_;
  SpiOptions options_;
  SpiFileOptions files_;
};

TEST_F(SpiFilesTest, PatternsAreReadBackAsTheyWereMade) {
  options_.background = 0.1;
  const auto files = simulate_spi(options_, files_);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->frames, 20);
  EXPECT_NEAR(files->resolution, 9, 1e-6);
  ASSERT_EQ(files->warnings.size(), 1u);
  const auto source = spi_data::open_patterns({.data = {{files->data, files->data}}});
  ASSERT_TRUE(source.ok()) << source.status();
  const auto loaded = spi_data::load(**source, {});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->photons);
  EXPECT_EQ(loaded->truth.orientations.size(), 20u);
  EXPECT_EQ(loaded->detector.mask[27], spi_data::kBad);
  const test::Hdf5Numbers truth(files->truth);
  EXPECT_EQ(truth.doubles("orientations")[5], loaded->truth.orientations[1][1]);
  EXPECT_EQ(truth.shape("atoms/0"), (std::vector<std::ptrdiff_t>{3, 5}));
  EXPECT_EQ(truth.shape("beam_offset"), (std::vector<std::ptrdiff_t>{20, 2}));
  EXPECT_EQ(truth.doubles("background").size(), 64u);
  EXPECT_NEAR(truth.attribute("/", "qmax_invA"), 1 / 9.0, 1e-9);
}

TEST_F(SpiFilesTest, TheTrueDensityHoldsTheMoleculesElectrons) {
  options_.frames = 1;
  options_.scattering.form_factors = spi_data::FormFactors::kCharge;
  files_.grid = 21;
  files_.truth = (folder_ / "t.h5").string();
  const auto files = simulate_spi(options_, files_);
  ASSERT_TRUE(files.ok()) << files.status();
  const test::Hdf5Numbers truth(files_.truth);
  double sum = 0;
  for (const double electrons : truth.doubles("density/0")) sum += electrons;
  EXPECT_NEAR(sum, 6 + 16 + 8, 1e-4);
  const std::vector<double> modes = truth.doubles("volume/0");
  const std::size_t middle = (10 * 21 + 10) * 21 + 10;
  EXPECT_NEAR(modes[2 * middle], 30, 1e-4);
  EXPECT_NEAR(modes[2 * middle + 1], 0, 1e-4);
}

TEST_F(SpiFilesTest, SeveralMoleculesAndChainsAreKept) {
  files_.pdb = {files_.pdb[0], files_.pdb[0]};
  files_.chains = {"A", "AB"};
  ASSERT_TRUE(simulate_spi(options_, files_).ok());
  const test::Hdf5Numbers truth((folder_ / "new/truth-patterns.h5").string());
  EXPECT_EQ(truth.shape("atoms/0")[0], 2);
  EXPECT_EQ(truth.shape("atoms/1")[0], 3);
  files_.pdb.push_back(files_.pdb[0]);
  files_.overwrite = true;
  EXPECT_EQ(field_of(simulate_spi(options_, files_).status()), "chain");
}

TEST_F(SpiFilesTest, AnExistingFileStaysUnlessOverwritingIsAllowed) {
  ASSERT_TRUE(simulate_spi(options_, files_).ok());
  const std::string before = test::read_text(files_.output);
  options_.seed = 2;
  EXPECT_EQ(reason_of(simulate_spi(options_, files_).status()), "OUTPUT_EXISTS");
  EXPECT_EQ(test::read_text(files_.output), before);
  files_.overwrite = true;
  ASSERT_TRUE(simulate_spi(options_, files_).ok());
  EXPECT_NE(test::read_text(files_.output), before);
}

TEST_F(SpiFilesTest, WithoutPhotonsIntensitiesAreWritten) {
  options_.photons = 0;
  ASSERT_TRUE(simulate_spi(options_, files_).ok());
  const test::Hdf5Numbers data(files_.output);
  EXPECT_TRUE(data.has("intensities"));
  EXPECT_FALSE(data.has("photons"));
}

TEST_F(SpiFilesTest, DragonflysFilesHoldTheSamePhotons) {
  const auto cspi = simulate_spi(options_, files_);
  ASSERT_TRUE(cspi.ok()) << cspi.status();
  files_.format = SpiFormat::kEmc;
  files_.output = (folder_ / "emc/photons.emc").string();
  const auto emc = simulate_spi(options_, files_);
  ASSERT_TRUE(emc.ok()) << emc.status();
  const auto config = spi_data::read_config({emc->config, emc->config});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->photons_file, "photons.emc");
  const auto a = spi_data::open_patterns({.data = {{cspi->data, cspi->data}}});
  const auto b = spi_data::open_patterns({.data = {{emc->data, emc->data}},
                                          .detector = {emc->detector, emc->detector},
                                          .wavelength = config->wavelength.value_or(0)});
  ASSERT_TRUE(b.ok()) << b.status();
  const auto dense = spi_data::load(**a, {});
  const auto sparse = spi_data::load(**b, {});
  ASSERT_TRUE(sparse.ok()) << sparse.status();
  for (std::size_t i = 0; i < dense->detector.q.size(); ++i)
    EXPECT_NEAR(sparse->detector.q[i], dense->detector.q[i], 1e-9);
  EXPECT_EQ(sparse->detector.mask, dense->detector.mask);
  const auto sum = [](const spi_data::Patterns& patterns) {
    double total = 0;
    for (const auto count : patterns.counts) total += count;
    for (const auto value : patterns.values) total += static_cast<double>(value);
    for (const auto count : patterns.count) total += static_cast<double>(count);
    return total;
  };
  EXPECT_EQ(sum(*sparse), sum(*dense));
  EXPECT_GT(sum(*dense), 0);
  options_.photons = 0;
  EXPECT_EQ(field_of(simulate_spi(options_, files_).status()), "format");
}

TEST_F(SpiFilesTest, BallsNeedNoMoleculeAndLeaveNoDensity) {
  options_.object = SpiObject::kBall;
  files_.pdb.clear();
  ASSERT_TRUE(simulate_spi(options_, files_).ok());
  EXPECT_FALSE(test::Hdf5Numbers((folder_ / "new/truth-patterns.h5").string()).has("density"));
}

TEST_F(SpiFilesTest, AnEvenGridIsRefused) {
  files_.grid = 20;
  EXPECT_EQ(field_of(simulate_spi(options_, files_).status()), "grid");
  EXPECT_FALSE(std::filesystem::exists(files_.output));
}

}  // namespace
}  // namespace unfold::simulate
