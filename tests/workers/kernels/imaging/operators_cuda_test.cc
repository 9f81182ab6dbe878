#include <cmath>

#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/imaging/operator_suite.h"
#include "workers/cuda/dense_upload.h"
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

/// Values of a response that grow along it, so that counts begin narrow.
std::vector<double> growing(const imaging::Shape& shape, double largest) {
  const Index n = shape.times * shape.pixels * shape.bins;
  std::vector<double> rows;
  for (Index i = 0; i < n; ++i) {
    rows.push_back(std::floor(largest * static_cast<double>(1 + i) / static_cast<double>(n)));
  }
  return rows;
}

/// Uploads in pieces of one block of columns; how often it had to begin, and the response.
std::pair<int, std::shared_ptr<const cuda::GpuResponse>> uploaded(
    const cuda::Gpu& gpu, const imaging::Shape& shape, Storage storage,
    const std::vector<double>& rows, const std::vector<double>& scale) {
  imaging::Element element = imaging::element_of(storage);
  for (int begun = 1;; ++begun) {
    try {
      cuda::DenseUpload upload(gpu, shape, storage, element, 1);
      const auto half = static_cast<std::ptrdiff_t>(5 * shape.bins);
      upload.append(std::span(rows).first(at(half)), std::span(scale).first(scale.empty() ? 0 : 5));
      upload.append(std::span(rows).subspan(at(half)),
                    std::span(scale).subspan(scale.empty() ? 0 : 5));
      return {begun, upload.finish()};
    } catch (const cuda::WiderElement& wider) {
      element = wider.element;
    }
  }
}

TYPED_TEST(LongRows, AnUploadInPiecesIsTheResponse) {
  const imaging::Shape shape{2, 41, 3};
  const imaging::Events events{{0, 2, 4}, {0, 2, 1, 2}};
  std::vector<double> image;
  for (Index p = 0; p < shape.pixels; ++p) image.push_back(static_cast<double>(1 + p % 5));
  const struct {
    Storage storage;
    double largest;
    int begun;
  } kCases[] = {{Storage::kFp64, 1e3, 1},     {Storage::kFp32, 1e3, 1},
                {Storage::kFp16, 1e3, 1},     {Storage::kInteger, 200, 1},
                {Storage::kInteger, 9000, 2}, {Storage::kInteger, 3e6, 2}};
  for (const auto& [storage, largest, begun] : kCases) {
    const std::vector<double> rows = growing(shape, largest);
    const std::vector<double> scale(
        storage == Storage::kInteger ? at(shape.times * shape.pixels) : 0, 0.5);
    imaging::DenseResponseBuilder builder(shape, storage);
    builder.append(rows, scale);
    const auto whole = cuda::load_response(TypeParam::gpu(), *builder.finish());
    const auto [times, pieces] = uploaded(TypeParam::gpu(), shape, storage, rows, scale);
    EXPECT_EQ(times, begun);
    EXPECT_EQ(pieces->bytes(), whole->bytes());
    const auto wanted = cuda::make_dense_operator(whole, shape),
               is = cuda::make_dense_operator(pieces, shape);
    std::vector<double> expectation(4), back(at(shape.pixels)), expected = expectation, seen = back;
    wanted->forward_events(events, {}, image, expected);
    is->forward_events(events, {}, image, expectation);
    EXPECT_EQ(expectation, expected);
    wanted->sensitivity({}, seen);
    is->sensitivity({}, back);
    EXPECT_EQ(back, seen);
  }
}

TYPED_TEST(LongRows, AnUploadIsRefusedWhereItsRowsDoNotComeAsAnnounced) {
  const imaging::Shape shape{1, 3, 2};
  const std::vector<double> rows(6, 1.0);
  const auto begin = [&] {
    return std::make_unique<cuda::DenseUpload>(TypeParam::gpu(), shape, Storage::kFp32,
                                               imaging::Element::kF32);
  };
  EXPECT_THROW(begin()->append(std::span(rows).first(3)), std::invalid_argument);
  EXPECT_THROW(begin()->finish(), std::invalid_argument);
  const auto full = begin();
  full->append(rows);
  EXPECT_THROW(full->append(rows), std::invalid_argument);
  EXPECT_GT(full->finish()->bytes(), 0);
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
