#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/imaging/operator_suite.h"
#include "workers/cuda/imaging_operator.h"
#include "workers/kernels/imaging/device/walk_layout.h"

namespace unfold::test {
namespace {

std::unique_ptr<Operator> on_gpu(const cuda::Gpu& gpu, const OperatorProblem& problem, Kind kind,
                                 Storage storage) {
  if (kind == Kind::kDense) {
    return cuda::make_dense_operator(cuda::load_response(gpu, *dense_of(problem, storage)),
                                     problem.shape());
  }
  return cuda::make_factored_operator(
      cuda::load_response(gpu, *factored_of(problem, storage)),
      cuda::load_attitude(gpu, *make_attitude(problem.attitude, OperatorProblem::kDirections)),
      problem.shape(), problem.solid_angle);
}

template <class Module>
Place place(const std::string& name) {
  return {name,
          [](const OperatorProblem& problem, Kind kind, Storage storage, compute::Cpu&) {
            return on_gpu(Module::gpu(), problem, kind, storage);
          },
          [] { return Module::unavailable(); }};
}

template <class Module>
class LongRows : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
  }

  /// A dense response of 2 time bins and 3 data bins, against the reference.
  static void expect_passes(Index pixels, Index replicates) {
    const imaging::Shape shape{2, pixels, 3};
    std::vector<double> response;
    for (Index i = 0; i < shape.times * shape.pixels * shape.bins; ++i) {
      response.push_back(static_cast<double>(i * 7919 % 257));
    }
    imaging::DenseResponseBuilder builder(shape, Storage::kFp16);
    builder.append(response);
    const auto on_device =
        cuda::make_dense_operator(cuda::load_response(Module::gpu(), *builder.finish()), shape);
    const auto reference = imaging::make_reference_operator(shape, response);
    const imaging::Events events{{0, 3, 5}, {0, 1, 2, 0, 2}};
    const imaging::Background background{1, 1, {0, 0}, std::vector<double>(5, 2.0), {9, 9}};
    std::vector<double> image, counts;
    for (Index i = 0; i < replicates * pixels; ++i) image.push_back(static_cast<double>(1 + i % 5));
    for (Index i = 0; i < replicates * 5; ++i) counts.push_back(static_cast<double>(1 + i % 3));
    const std::vector<double> amplitude(at(replicates), 1.0);
    const imaging::Pass pass{
        .replicates = replicates, .counts = counts, .image = image, .amplitude = amplitude};
    const auto is = on_device->pass(events, background, pass);
    const auto wanted = reference->pass(events, background, pass);
    const double error = imaging::arithmetic_error(Storage::kFp16);
    expect_close(is.back, wanted.back, error, "back");
    expect_close(is.log_model, wanted.log_model, error, "log of the model");
  }
};
using Modules = ::testing::Types<EmulatedGpu, RealGpu>;
TYPED_TEST_SUITE(LongRows, Modules);

// Columns beyond shared memory, then rows, too; one image, and sixteen.
TYPED_TEST(LongRows, StayFar) {
  for (const Index pixels : {1500, 5000, 21000, 50000}) this->expect_passes(pixels, 1);
  for (const Index pixels : {1000, 1500, 21000}) this->expect_passes(pixels, 5);
}

TEST(WalkLayout, KeepsNearWhatFits) {
  const auto one = imaging::walk_layout<float, float>(912, 1, 1);
  EXPECT_TRUE(one.rows_near && one.columns_near);
  EXPECT_EQ(one.chunk, 16);
  EXPECT_LE(3 * (one.bytes + 1024), 227u * 1024);  // three blocks on a multiprocessor
  const auto many = imaging::walk_layout<float, float>(912, imaging::kDeviceLanes, 1);
  EXPECT_TRUE(many.rows_near && many.columns_near);
  EXPECT_FALSE((imaging::walk_layout<float, float>(1808, 16, 1).columns_near));
  EXPECT_TRUE((imaging::walk_layout<float, float>(1808, 16, 1).rows_near));
  EXPECT_FALSE((imaging::walk_layout<float, float>(50000, 1, 1).rows_near));
  for (const int length : {16, 912, 1808, 5008, 21008, 50000}) {
    for (const int lanes : {1, imaging::kDeviceLanes}) {
      const auto layout = imaging::walk_layout<double, double>(length, lanes, 3);
      EXPECT_LE(layout.bytes, compute::kMostShared) << length << " " << lanes;
      EXPECT_GE(layout.chunk, 4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Module, Operators,
                         everything_at({place<EmulatedGpu>("Emulated"), place<RealGpu>("Gpu")}),
                         name_of);

}  // namespace
}  // namespace unfold::test
