#include "common/formats/spi/structure_factors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "tests/support/hdf5_numbers.h"
#include "tests/support/shared_data.h"

namespace unfold::spi_data {
namespace {

constexpr double kPi = std::numbers::pi;

TEST(FormFactorTest, IsTheNumberOfElectronsForwardAndFallsWithTheAngle) {
  for (int z = 1; z <= 98; ++z) {
    const double forward = form_factor(FormFactors::kInternationalTables, z, 0);
    EXPECT_NEAR(forward, z, 0.1) << z;
    EXPECT_LT(form_factor(FormFactors::kInternationalTables, z, 1), forward) << z;
    EXPECT_EQ(form_factor(FormFactors::kCharge, z, 1), z);
  }
}

// The same volume, table 6.1.1.1, at sin(theta) / wavelength = 0.5.
TEST(FormFactorTest, AgreesWithTabulatedValues) {
  EXPECT_NEAR(form_factor(FormFactors::kInternationalTables, 6, 1.0), 1.685, 0.01);
  EXPECT_NEAR(form_factor(FormFactors::kInternationalTables, 8, 1.0), 2.338, 0.01);
}

struct Problem {
  Molecule molecule;
  std::vector<double> q;
};

Problem random_problem(std::size_t atoms, std::size_t pixels, double extent, double reach) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Problem out;
  const int elements[] = {1, 6, 8, 30};
  for (std::size_t a = 0; a < atoms; ++a) {
    out.molecule.atoms.push_back(
        {.number = elements[a % 4],
         .position = {extent * uniform(random), extent * uniform(random), extent * uniform(random)},
         .occupancy = a % 3 == 0 ? 0.5 : 1.0});
  }
  for (std::size_t i = 0; i < 3 * pixels; ++i) out.q.push_back(reach * uniform(random));
  return out;
}

std::complex<double> plain_sum(const Problem& problem, const Scattering& how, std::size_t p) {
  const double* q = &problem.q[3 * p];
  const double length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
  std::complex<double> sum = 0;
  for (const Atom& atom : problem.molecule.atoms) {
    const double turns =
        q[0] * atom.position[0] + q[1] * atom.position[1] + q[2] * atom.position[2];
    const double weight = how.use_occupancy ? atom.occupancy : 1;
    sum += weight * form_factor(how.form_factors, atom.number, length) *
           std::polar(1.0, 2 * kPi * turns);
  }
  return sum * std::exp(-how.b_factor * length * length / 4);
}

class StructureFactorsTest : public testing::TestWithParam<std::size_t> {};

TEST_P(StructureFactorsTest, AreTheSumsOverAtoms) {
  const Problem problem = random_problem(GetParam(), GetParam() % 70 + 1, 40, 0.5);
  const Scattering how{.b_factor = 20, .use_occupancy = true};
  const StructureFactors sums(problem.molecule, how);
  std::vector<std::complex<float>> found(problem.q.size() / 3);
  sums.amplitudes(problem.q, found);
  double error = 0, power = 0;
  for (std::size_t p = 0; p < found.size(); ++p) {
    const std::complex<double> expected = plain_sum(problem, how, p);
    error += std::norm(std::complex<double>(found[p]) - expected);
    power += std::norm(expected);
  }
  EXPECT_LT(std::sqrt(error), 2e-6 * std::sqrt(power));
}
INSTANTIATE_TEST_SUITE_P(Sizes, StructureFactorsTest,
                         testing::Values(1, 31, 63, 64, 65, 129, 1000));

TEST(StructureFactorsTest, TheSharedVolumeAndDensityAreReproduced) {
  const auto file = test::shared_file("data/spi/c4_full_clean.h5");
  if (file.empty()) GTEST_SKIP() << "no shared data";
  const test::Hdf5Numbers stored(file.string());
  const std::vector<double> positions = stored.doubles("atoms_A");
  const std::vector<double> charges = stored.doubles("atoms_Z");
  Molecule molecule;
  for (std::size_t a = 0; a < charges.size(); ++a) {
    molecule.atoms.push_back(
        {.number = static_cast<int>(charges[a]),
         .position = {positions[3 * a], positions[3 * a + 1], positions[3 * a + 2]}});
  }
  const StructureFactors sums(
      molecule, {.form_factors = FormFactors::kCharge, .b_factor = stored.number("B")});
  const std::vector<double> q = grid_modes(37, stored.number("qmax_invA"));
  std::vector<std::complex<float>> modes(q.size() / 3);
  sums.amplitudes(q, modes);
  const std::vector<double> density = density_of(37, modes);
  const std::vector<double> expected = stored.doubles("rho_true");
  double error = 0, power = 0;
  for (std::size_t i = 0; i < density.size(); ++i) {
    error += (density[i] - expected[i]) * (density[i] - expected[i]);
    power += expected[i] * expected[i];
  }
  EXPECT_LT(std::sqrt(error), 1e-5 * std::sqrt(power));
}

}  // namespace
}  // namespace unfold::spi_data
