#include <gtest/gtest.h>
#include <hdf5.h>

#include "tests/support/emulated_device.h"
#include "tests/support/emulated_fft.h"
#include "tests/support/shared_data.h"
#include "tests/workers/nufft/device_transform.h"
#include "tests/workers/nufft/direct_sum.h"

// The stored direct sums of data/spi/c1_nufft.h5 (its README has the conventions).
namespace unfold::nufft {
namespace {

using test::Complexes;

class Group {
 public:
  Group(hid_t file, const char* name) : group_(H5Gopen2(file, name, H5P_DEFAULT)) {}
  ~Group() { H5Gclose(group_); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  std::vector<double> reals(const char* name) const {
    std::vector<double> values(static_cast<std::size_t>(size_of(name)));
    read(name, H5T_NATIVE_DOUBLE, values.data());
    return values;
  }
  Complexes complexes(const char* name) const {
    const hid_t type = H5Tcreate(H5T_COMPOUND, 2 * sizeof(double));
    H5Tinsert(type, "r", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(type, "i", sizeof(double), H5T_NATIVE_DOUBLE);
    Complexes values(static_cast<std::size_t>(size_of(name)));
    read(name, type, values.data());
    H5Tclose(type);
    return values;
  }

 private:
  hssize_t size_of(const char* name) const {
    const hid_t set = H5Dopen2(group_, name, H5P_DEFAULT), space = H5Dget_space(set);
    const hssize_t size = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Dclose(set);
    return size;
  }
  void read(const char* name, hid_t type, void* out) const {
    const hid_t set = H5Dopen2(group_, name, H5P_DEFAULT);
    ASSERT_GE(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), 0) << name;
    H5Dclose(set);
  }
  hid_t group_;
};

struct Case {
  Index modes;
  const char* name;
};

class NufftCases : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = test::shared_file("data/spi/c1_nufft.h5");
    if (file.empty()) GTEST_SKIP() << "the shared data are absent";
    file_ = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override {
    if (file_ >= 0) H5Fclose(file_);
  }

  template <class Real>
  void expect_both_types_within(double tolerance) {
    compute::Cpu cpu(2);
    expect_within<Real>(tolerance, [&](Index m, const std::vector<Real>& x) {
      return test::Transform<Real>(cpu, {m, m, m}, {.tolerance = tolerance}, x);
    });
  }
  template <class Real>
  void expect_both_types_on_device_within(double tolerance) {
    expect_within<Real>(tolerance, [&](Index m, const std::vector<Real>& x) {
      return test::DeviceTransform<test::Emulated, Real, 2>({m, m, m}, {.tolerance = tolerance}, x);
    });
  }

 private:
  template <class Real, class Make>
  void expect_within(double tolerance, const Make& make) {
    for (const auto& [m, name] :
         {Case{16, "M16_uniform"}, Case{16, "M16_slices"}, Case{17, "M17_uniform"},
          Case{17, "M17_slices"}, Case{31, "M31_uniform"}, Case{31, "M31_slices"}}) {
      const Group group(file_, name);
      const auto x = group.reals("x");
      const auto c = group.complexes("c"), f = group.complexes("F");
      auto transform = make(m, std::vector<Real>(x.begin(), x.end()));
      const auto type1 = transform.type1({c.begin(), c.end()});
      const auto type2 = transform.type2({f.begin(), f.end()});
      EXPECT_LE(test::errors_of(type1, group.complexes("type1"), test::norm_of(c)).l2, tolerance)
          << name;
      EXPECT_LE(test::errors_of(type2, group.complexes("type2"), test::norm_of(f)).l2, tolerance)
          << name;
    }
  }

  hid_t file_ = -1;
};

TEST_F(NufftCases, EveryDecadeInDoubleHoldsAgainstTheStoredSums) {
  for (int decade = 2; decade <= 12; ++decade) {
    SCOPED_TRACE(decade);
    expect_both_types_within<double>(std::pow(10.0, -decade));
  }
}

TEST_F(NufftCases, EveryDecadeInFloatHoldsAgainstTheStoredSums) {
  // The stored points are doubles: rounding them to float alone costs 2e-6 here.
  for (int decade = 2; decade <= 5; ++decade) {
    SCOPED_TRACE(decade);
    expect_both_types_within<float>(std::pow(10.0, -decade));
  }
}

TEST_F(NufftCases, TheDevicesTransformsHoldAgainstTheStoredSums) {
  for (const double tolerance : {1e-4, 1e-8, 1e-12}) {
    expect_both_types_on_device_within<double>(tolerance);
  }
  for (const double tolerance : {1e-3, 1e-5}) expect_both_types_on_device_within<float>(tolerance);
}

}  // namespace
}  // namespace unfold::nufft
