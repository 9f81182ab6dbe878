#include "common/simulate/spi.h"

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "common/base/error.h"
#include "tests/support/hdf5_numbers.h"
#include "tests/support/shared_data.h"

namespace unfold::simulate {
namespace {

using spi_data::Molecule;

/// A few heavy atoms without symmetry, 40 Angstrom wide.
Molecule small_molecule(double shift = 0) {
  Molecule molecule;
  for (const auto& [x, y, z] : {std::array<double, 3>{-20, 0, 3},
                                {15, 8, -4},
                                {2, -12, 9},
                                {5, 14, 2},
                                {-7, -3, -15},
                                {1, 2 + shift, 17}})
    molecule.atoms.push_back({.number = 30, .position = {x, y, z}});
  return molecule;
}

SpiOptions small_options() {
  SpiOptions options;
  options.geometry.size = 16;
  options.geometry.beamstop = 1.5;
  options.frames = 400;
  return options;
}

SpiPatterns made(const SpiOptions& options, const std::vector<Molecule>& molecules) {
  absl::StatusOr<SpiPatterns> out = patterns(molecules, options);
  EXPECT_TRUE(out.ok()) << out.status();
  return *std::move(out);
}
SpiPatterns made(const SpiOptions& options) { return made(options, {small_molecule()}); }

template <class T>
double total(const std::vector<T>& values, std::size_t frame, std::size_t pixels) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(frame * pixels);
  return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(pixels), 0.0);
}

template <class T>
double mean_total(const std::vector<T>& values, std::int64_t frames) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(frames);
}

TEST(SimulateSpiTest, TheSharedCaseIsReproducedAtItsOrientations) {
  const auto file = test::shared_file("data/spi/c4_full_clean.h5");
  if (file.empty()) GTEST_SKIP() << "no shared data";
  const test::Hdf5Numbers stored(file.string());
  const std::vector<double> turns = stored.doubles("orientations");
  const std::vector<double> expected = stored.doubles("intensities");
  const std::vector<double> positions = stored.doubles("atoms_A");
  const std::vector<double> charges = stored.doubles("atoms_Z");
  Molecule molecule;
  for (std::size_t a = 0; 3 * a < positions.size(); ++a)
    molecule.atoms.push_back(
        {.number = static_cast<int>(charges[a]),
         .position = {positions[3 * a], positions[3 * a + 1], positions[3 * a + 2]}});
  SpiOptions options;
  options.frames = 10;
  options.photons = 0;
  options.scattering = {.form_factors = spi_data::FormFactors::kCharge, .b_factor = 40};
  for (std::size_t i = 0; i < 10; ++i)
    options.orientations.push_back(
        {turns[4 * i], turns[4 * i + 1], turns[4 * i + 2], turns[4 * i + 3]});
  const SpiPatterns found = made(options, {molecule});
  const std::vector<double> q = stored.doubles("pixel_position_reciprocal");
  for (std::size_t p = 0; p < 1024; ++p)
    for (std::size_t axis = 0; axis < 3; ++axis)
      EXPECT_NEAR(found.detector.q[3 * p + axis], q[axis * 1024 + p] * 1e-10, 1e-7);
  double product = 0, square = 0;
  for (std::size_t k = 0; k < found.expected.size(); ++k) {
    product += static_cast<double>(found.expected[k]) * expected[k];
    square += expected[k] * expected[k];
  }
  const double scale = product / square;
  double error = 0;
  for (std::size_t k = 0; k < found.expected.size(); ++k)
    error += std::pow(static_cast<double>(found.expected[k]) / scale - expected[k], 2);
  EXPECT_LT(std::sqrt(error), 1e-5 * std::sqrt(square));
}

TEST(SimulateSpiTest, ATurnedMoleculeIsATurnedDetector) {
  SpiOptions options = small_options();
  options.frames = 1;
  options.photons = 0;
  options.orientations = {{std::sqrt(0.5), 0, 0, std::sqrt(0.5)}};  // 90 degrees about the beam
  const SpiPatterns found = made(options);
  Molecule turned = small_molecule();
  for (spi_data::Atom& atom : turned.atoms)  // R r: (x, y, z) -> (-y, x, z)
    atom.position = {-atom.position[1], atom.position[0], atom.position[2]};
  options.orientations = {{1, 0, 0, 0}};
  const SpiPatterns expected = made(options, {turned});
  for (std::size_t p = 0; p < found.expected.size(); ++p)
    EXPECT_NEAR(found.expected[p], expected.expected[p], 1e-4f * (1 + expected.expected[p]));
}

TEST(SimulateSpiTest, CountsArePoissonAboutWhatIsExpected) {
  const SpiOptions options = small_options();
  const SpiPatterns found = made(options);
  double chi2 = 0, difference = 0, sum = 0;
  std::size_t used = 0;
  for (std::size_t k = 0; k < found.expected.size(); ++k) {
    const double mean = static_cast<double>(found.expected[k]);
    difference += found.counts[k] - mean;
    sum += mean;
    if (mean < 0.5) continue;
    chi2 += std::pow(found.counts[k] - mean, 2) / mean;
    ++used;
  }
  EXPECT_NEAR(sum / static_cast<double>(options.frames), options.photons, 0.01);
  EXPECT_LT(std::abs(difference), 5 * std::sqrt(sum));
  EXPECT_NEAR(chi2 / static_cast<double>(used), 1, 5 * std::sqrt(4.0 / static_cast<double>(used)));
}

TEST(SimulateSpiTest, FluencesAreLogNormalWithMeanOne) {
  SpiOptions options = small_options();
  options.frames = 5000;
  options.geometry.size = 2;
  options.geometry.beamstop = 0;
  options.fluence_sigma = 0.35;
  const SpiPatterns found = made(options);
  double logs = 0, squares = 0, sum = 0;
  for (const double fluence : found.truth.fluences) {
    sum += fluence;
    logs += std::log(fluence);
    squares += std::log(fluence) * std::log(fluence);
  }
  logs /= 5000;
  EXPECT_NEAR(sum / 5000, 1, 1e-9);
  EXPECT_NEAR(std::sqrt(squares / 5000 - logs * logs), 0.35, 5 * 0.35 / std::sqrt(10000.0));
  EXPECT_NEAR(logs, -0.35 * 0.35 / 2, 0.03);
}

TEST(SimulateSpiTest, ABackgroundIsItsShareOfAllCountsInEveryFrame) {
  SpiOptions options = small_options();
  options.background = 0.2;
  options.fluence_sigma = 0.5;
  for (const SpiBackground shape : {SpiBackground::kUniform, SpiBackground::kRadial}) {
    options.background_shape = shape;
    const SpiPatterns found = made(options);
    const double added = std::accumulate(found.background.begin(), found.background.end(), 0.0);
    EXPECT_NEAR(added, 0.2 * mean_total(found.expected, options.frames), 0.01);
    EXPECT_EQ(found.background[8 * 16 + 8], 0) << "below the beamstop";
    if (shape == SpiBackground::kRadial) {
      EXPECT_GT(found.background[8 * 16 + 11], 2 * found.background[0]);
    }
  }
}

TEST(SimulateSpiTest, FramesThatAreNoHitsHaveTheirShareAndNoStructure) {
  SpiOptions options = small_options();
  options.frames = 2000;
  options.non_hits = 0.1;
  const SpiPatterns found = made(options);
  const auto missed = std::accumulate(found.truth.non_hits.begin(), found.truth.non_hits.end(), 0);
  EXPECT_NEAR(missed, 200, 5 * std::sqrt(180.0));
  const auto first = static_cast<std::size_t>(
      std::find(found.truth.non_hits.begin(), found.truth.non_hits.end(), 1) -
      found.truth.non_hits.begin());
  const std::size_t a = first * 256 + 3 * 16 + 5;  // mirror images of each other
  const std::size_t b = first * 256 + 12 * 16 + 10;
  const std::size_t c = first * 256 + 5 * 16 + 3;
  EXPECT_NEAR(found.expected[a], found.expected[b], 1e-4f * found.expected[a]);
  EXPECT_NEAR(found.expected[a], found.expected[c], 1e-4f * found.expected[a]);
  EXPECT_NEAR(total(found.expected, first, 256), options.photons, 0.05 * options.photons);
  options.non_hit = SpiNonHit::kEmpty;
  EXPECT_EQ(total(made(options).counts, first, 256), 0);
}

TEST(SimulateSpiTest, ARadialMeanIsTheMeanOverOrientations) {
  SpiOptions options = small_options();
  options.photons = 0;
  options.frames = 4000;
  const SpiPatterns hits = made(options);
  std::vector<double> mean(256, 0);
  for (std::size_t k = 0; k < hits.expected.size(); ++k)
    mean[k % 256] += static_cast<double>(hits.expected[k]) / 4000;
  options.object = SpiObject::kRadialMean;
  options.frames = 1;
  const SpiPatterns flat = made(options);
  for (std::size_t p = 0; p < 256; ++p)
    EXPECT_NEAR(static_cast<double>(flat.expected[p]), mean[p], 0.12 * mean[p]) << p;
}

TEST(SimulateSpiTest, ABallHasRingsAndNeedsNoMolecule) {
  SpiOptions options = small_options();
  options.object = SpiObject::kBall;
  options.frames = 2;
  options.geometry.size = 101;
  options.geometry.beamstop = 0;
  options.ball_diameter = 60;
  options.photons = 0;
  const SpiPatterns found = made(options, {});
  // The first zero lies at q = 1.4303 / D.
  std::size_t darkest = 50;
  for (std::size_t j = 50; j < 85; ++j)
    if (found.expected[50 * 101 + j] < found.expected[50 * 101 + darkest]) darkest = j;
  const double* q = &found.detector.q[3 * (50 * 101 + darkest)];
  EXPECT_NEAR(std::hypot(q[0], q[1], q[2]), 1.4303 / 60, 0.002);
  EXPECT_EQ(found.expected[0], found.expected[101 * 101]) << "frames differ by their noise alone";
}

TEST(SimulateSpiTest, MoleculesComeInTheirFractions) {
  SpiOptions options = small_options();
  options.frames = 3000;
  options.geometry.size = 2;
  options.geometry.beamstop = 0;
  options.fractions = {3, 1};
  const std::vector<Molecule> both = {small_molecule(), small_molecule(9)};
  const SpiPatterns found = made(options, both);
  const auto second =
      std::count(found.truth.conformations.begin(), found.truth.conformations.end(), 1);
  EXPECT_NEAR(static_cast<double>(second), 750, 5 * std::sqrt(562.0));
  options.fractions = {1, 0};
  const SpiPatterns one = made(options, both);
  EXPECT_EQ(std::count(one.truth.conformations.begin(), one.truth.conformations.end(), 1), 0);
}

TEST(SimulateSpiTest, AnOffBeamMovesThePattern) {
  SpiOptions options = small_options();
  options.object = SpiObject::kBall;
  options.photons = 0;
  options.frames = 2000;
  options.geometry.size = 21;
  options.geometry.beamstop = 0;
  options.jitter = 1;
  const SpiPatterns found = made(options, {});
  double squares = 0, product = 0;
  for (std::size_t i = 0; i < 2000; ++i) {
    double sum = 0, x = 0;
    for (std::size_t p = 0; p < 441; ++p) {
      const double value = static_cast<double>(found.expected[i * 441 + p]);
      sum += value;
      x += value * (static_cast<double>(p / 21) - 10);
    }
    squares += found.beam_offset[i][0] * found.beam_offset[i][0];
    product += found.beam_offset[i][0] * x / sum;
  }
  EXPECT_NEAR(squares / 2000, 1, 0.16);
  EXPECT_NEAR(product / squares, 1, 0.1);
}

TEST(SimulateSpiTest, PolarizationAndSolidAngleAreInTheCorrection) {
  SpiGeometry geometry{.size = 3, .corner = 0, .pixel_size = 0.05};
  geometry.solid_angle = true;
  const auto solid = detector_of(geometry);
  ASSERT_TRUE(solid.ok());
  EXPECT_NEAR(solid->correction[4], 1, 1e-6f);
  EXPECT_NEAR(solid->correction[1], std::pow(1.25f, -1.5f), 1e-6f);  // cos^3 at 26.6 degrees
  geometry.solid_angle = false;
  geometry.polarization = true;
  const auto polar = detector_of(geometry);
  EXPECT_NEAR(polar->correction[1], 0.8f, 1e-6f);  // off along x
  EXPECT_NEAR(polar->correction[3], 1, 1e-6f);     // off along y
  const SpiOptions plain = [] {
    SpiOptions options = small_options();
    options.frames = 1;
    options.photons = 0;
    return options;
  }();
  SpiOptions corrected = plain;
  corrected.geometry.polarization = true;
  const SpiPatterns a = made(plain), b = made(corrected);
  for (std::size_t p = 0; p < 256; ++p)
    EXPECT_NEAR(
        static_cast<double>(b.expected[p]) / b.photons_per_intensity,
        static_cast<double>(a.expected[p] * b.detector.correction[p]) / a.photons_per_intensity,
        1e-5 * static_cast<double>(a.expected[p]) / a.photons_per_intensity);
}

TEST(SimulateSpiTest, NumbersDependOnTheSeedAndNotOnThreads) {
  SpiOptions options = small_options();
  options.frames = 50;
  options.fluence_sigma = 0.3;
  options.jitter = 0.5;
  options.non_hits = 0.2;
  const SpiPatterns all = made(options);
  const oneapi::tbb::global_control one(oneapi::tbb::global_control::max_allowed_parallelism, 1);
  const SpiPatterns serial = made(options);
  EXPECT_EQ(all.counts, serial.counts);
  options.seed = 2;
  EXPECT_NE(made(options).counts, all.counts);
}

struct Bad {
  std::string field;
  std::function<void(SpiOptions&)> change;
};

TEST(SimulateSpiTest, NamesTheOptionThatCannotBe) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Bad> all = {{"size", [](SpiOptions& o) { o.geometry.size = 1; }},
                                {"wavelength", [&](SpiOptions& o) { o.geometry.wavelength = nan; }},
                                {"distance", [](SpiOptions& o) { o.geometry.distance = 0; }},
                                {"corner", [](SpiOptions& o) { o.geometry.corner = 1.2; }},
                                {"pixel_size", [](SpiOptions& o) { o.geometry.corner = 0; }},
                                {"beamstop", [](SpiOptions& o) { o.geometry.beamstop = 8; }},
                                {"frames", [](SpiOptions& o) { o.frames = 0; }},
                                {"orientations",
                                 [](SpiOptions& o) {
                                   o.orientations = {{1, 0, 0, 0}};
                                 }},
                                {"photons", [](SpiOptions& o) { o.photons = -1; }},
                                {"photons", [](SpiOptions& o) { o.photons = 9e8; }},
                                {"fluence_sigma", [&](SpiOptions& o) { o.fluence_sigma = nan; }},
                                {"background", [](SpiOptions& o) { o.background = 1; }},
                                {"non_hits", [](SpiOptions& o) { o.non_hits = 1.1; }},
                                {"jitter", [](SpiOptions& o) { o.jitter = -1; }},
                                {"ball_diameter", [](SpiOptions& o) { o.ball_diameter = 0; }},
                                {"b_factor", [](SpiOptions& o) { o.scattering.b_factor = -1; }},
                                {"fractions",
                                 [](SpiOptions& o) {
                                   o.fractions = {1, 1};
                                 }},
                                {"fractions", [](SpiOptions& o) { o.fractions = {0}; }}};
  for (const Bad& bad : all) {
    SpiOptions options = small_options();
    bad.change(options);
    const std::vector<Molecule> one = {small_molecule()};
    const absl::Status status = patterns(one, options).status();
    EXPECT_EQ(field_of(status), bad.field) << status;
  }
  EXPECT_EQ(field_of(patterns({}, small_options()).status()), "pdb");
}

}  // namespace
}  // namespace unfold::simulate
