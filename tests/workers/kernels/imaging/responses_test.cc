#include "workers/kernels/imaging/responses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/workers/kernels/imaging/operator_problem.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/accuracy.h"
#include "workers/kernels/imaging/half.h"

namespace unfold::test {
namespace {

using imaging::AttitudeTable;
using imaging::DenseResponseBuilder;
using imaging::FactoredResponseBuilder;
using imaging::Storage;

/// What a dense response gives back for a unit image at (t, p): its rows as kept.
std::vector<double> as_kept(imaging::Shape shape, Storage storage, std::span<const double> rows,
                            std::span<const double> scale) {
  DenseResponseBuilder builder(shape, storage);
  builder.append(rows, scale);
  compute::Cpu cpu(1);
  const auto op = make_dense_operator(builder.finish(), cpu);
  std::vector<double> out(rows.size()), seen(at(shape.times * shape.bins));
  for (Index p = 0; p < shape.pixels; ++p) {
    std::vector<double> unit(at(shape.pixels));
    unit[at(p)] = 1;
    op->forward(unit, seen);
    for (Index t = 0; t < shape.times; ++t) {
      for (Index d = 0; d < shape.bins; ++d) {
        out[at((t * shape.pixels + p) * shape.bins + d)] = seen[at(t * shape.bins + d)];
      }
    }
  }
  return out;
}

TEST(Responses, KeepEachElementToTheirStoragesRounding) {
  const imaging::Shape shape{2, 19, 33};
  std::vector<double> rows;
  for (Index i = 0; i < shape.times * shape.pixels * shape.bins; ++i) {
    rows.push_back(i % 7 == 0 ? 0 : std::exp(-0.007 * static_cast<double>(i * 37 % 1000)) / 300);
  }
  for (const Storage storage : {Storage::kFp64, Storage::kFp32, Storage::kFp16}) {
    const std::vector<double> kept = as_kept(shape, storage, rows, {});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double product = storage == Storage::kFp64 ? 0 : 0x1p-24;  // with what a unit is worth
      EXPECT_NEAR(kept[i], rows[i], (rounding_error(storage) + product) * rows[i]) << i;
    }
  }
}

TEST(Responses, IntegersAreKeptAsTheyAreWhateverTheirWidth) {
  const imaging::Shape shape{1, 20, 5};
  for (const double largest : {255.0, 256.0, 65535.0, 65536.0, 16777216.0}) {
    std::vector<double> rows, scale;
    for (Index p = 0; p < shape.pixels; ++p) {
      scale.push_back(std::ldexp(1.0, static_cast<int>(p % 5) - 9));
      for (Index d = 0; d < shape.bins; ++d) rows.push_back(static_cast<double>((p * 7 + d) % 250));
    }
    rows[62] = largest;  // a late one widens what was kept before
    const std::vector<double> kept = as_kept(shape, Storage::kInteger, rows, scale);
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(kept[i], rows[i] * scale[i / 5]) << i;
  }
}

TEST(Responses, IntegersTakeTheNarrowestWidth) {
  const auto bytes_with = [](double value) {
    FactoredResponseBuilder builder(16, 1000, Storage::kInteger);
    builder.append(std::vector<double>(16000, value), std::vector<double>(16, 0.5));
    return bytes_of(*builder.finish());
  };
  const std::int64_t narrow = bytes_with(255);
  EXPECT_EQ(bytes_with(256) - narrow, 16000);
  EXPECT_EQ(bytes_with(65536) - narrow, 3 * 16000);
}

TEST(Responses, RowSumsAreOfWhatIsKept) {
  FactoredResponseBuilder builder(3, 4, Storage::kInteger);
  builder.append(std::vector<double>{1, 2, 3, 4, 0, 0, 0, 0}, std::vector<double>{0.5, 2});
  builder.append(std::vector<double>{10, 0, 0, 300}, std::vector<double>{0.25});
  EXPECT_EQ(row_sums(*builder.finish()), (std::vector<double>{5, 0, 77.5}));
}

TEST(Responses, HalvesRoundToNearestEven) {
  const auto kept = [](double x) { return static_cast<double>(imaging::Half(x)); };
  EXPECT_EQ(kept(0), 0);
  EXPECT_EQ(kept(1), 1);
  EXPECT_EQ(kept(65504), 65504);
  EXPECT_EQ(kept(1 + 0x1p-11), 1);               // half way, down to even
  EXPECT_EQ(kept(1 + 3 * 0x1p-11), 1 + 0x1p-9);  // half way, up to even
  EXPECT_EQ(kept(2 - 0x1p-12), 2);               // carries into the exponent
  EXPECT_EQ(kept(0x1p-24), 0x1p-24);
  EXPECT_EQ(kept(0x1p-25), 0);
  EXPECT_EQ(kept(3 * 0x1p-25), 0x1p-23);
  EXPECT_EQ(kept(0x1p-14 - 0x1p-26), 0x1p-14);
}

TEST(Responses, BadRowsAreRefused) {
  const auto append = [](Storage storage, std::vector<double> rows, std::vector<double> scale) {
    FactoredResponseBuilder(4, 2, storage).append(rows, scale);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Storage storage : {Storage::kFp64, Storage::kFp32, Storage::kFp16}) {
    EXPECT_THROW(append(storage, {1, -1}, {}), std::invalid_argument);
    EXPECT_THROW(append(storage, {1, nan}, {}), std::invalid_argument);
    EXPECT_THROW(append(storage, {1, infinity}, {}), std::invalid_argument);
    EXPECT_THROW(append(storage, {1, 2, 3}, {}), std::invalid_argument);
    EXPECT_THROW(append(storage, {1, 2}, {1}), std::invalid_argument);
    EXPECT_THROW(append(storage, std::vector<double>(10), {}), std::invalid_argument);
  }
  EXPECT_THROW(append(Storage::kInteger, {1, 2}, {}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kInteger, {1, 2.5}, {1}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kInteger, {1, 0x1p32}, {1}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kInteger, {1, 2}, {-1}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kInteger, {1, 2}, {nan}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kFp32, {1, 1e39}, {}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kFp16, {1, 1e39}, {}), std::invalid_argument);
  EXPECT_THROW(append(Storage::kInteger, {1, 1e3}, {1e36}), std::invalid_argument);
  EXPECT_NO_THROW(append(Storage::kFp64, {1, 1e39}, {}));
}

TEST(Responses, HalvesOfRowsNextToNothingStayFinite) {
  FactoredResponseBuilder builder(2, 2, Storage::kFp16);
  builder.append(std::vector<double>{1e-310, 0, 4e-324, 1});
  const std::vector<double> sums = row_sums(*builder.finish());
  EXPECT_NEAR(sums[0], 0, 1e-300);
  EXPECT_EQ(sums[1], 1);
}

TEST(Responses, BadSizesAreRefused) {
  EXPECT_THROW(FactoredResponseBuilder(0, 2, Storage::kFp32), std::invalid_argument);
  EXPECT_THROW(FactoredResponseBuilder(4, 0, Storage::kFp32), std::invalid_argument);
  EXPECT_THROW(FactoredResponseBuilder(65536, 1, Storage::kFp32), std::invalid_argument);
  EXPECT_THROW(DenseResponseBuilder({0, 1, 1}, Storage::kFp32), std::invalid_argument);
  FactoredResponseBuilder unfinished(4, 2, Storage::kFp32);
  unfinished.append(std::vector<double>(6));
  EXPECT_THROW(unfinished.finish(), std::invalid_argument);
}

AttitudeTable small_attitude() {
  return {.times = 2,
          .pointings = 2,
          .pixels = 3,
          .neighbours = 1,
          .lookup = {0, 1, 2, 3, imaging::kOutside, 0},
          .weight = {},
          .live_time = {1, 2},
          .time_bin = {0, 1}};
}

TEST(Attitudes, BadTablesAreRefused) {
  const auto refused = [](auto change) {
    AttitudeTable table = small_attitude();
    change(table);
    EXPECT_THROW(make_attitude(table, 4), std::invalid_argument);
  };
  EXPECT_NO_THROW(make_attitude(small_attitude(), 4));
  EXPECT_THROW(make_attitude(small_attitude(), 3), std::invalid_argument);
  refused([](AttitudeTable& t) { t.lookup.pop_back(); });
  refused([](AttitudeTable& t) { t.weight = {1, 1}; });
  refused([](AttitudeTable& t) { t.weight = {1, 1, 1, 1, 1, -1}; });
  refused([](AttitudeTable& t) { t.live_time.push_back(1); });
  refused([](AttitudeTable& t) { t.live_time[0] = -1; });
  refused([](AttitudeTable& t) { t.live_time[0] = std::numeric_limits<double>::infinity(); });
  refused([](AttitudeTable& t) { t.time_bin[0] = 2; });
  refused([](AttitudeTable& t) { t.time_bin[0] = -1; });
  refused([](AttitudeTable& t) { t.neighbours = 2; });
  refused([](AttitudeTable& t) { t.times = 0; });
}

TEST(Attitudes, MustFitTheResponseAndTheSky) {
  FactoredResponseBuilder builder(3, 1, Storage::kFp32);
  builder.append(std::vector<double>(3, 1.0));
  const auto response = builder.finish();
  compute::Cpu cpu(1);
  EXPECT_THROW(make_factored_operator(response, make_attitude(small_attitude(), 4), {1, 1, 1}, cpu),
               std::invalid_argument);
  AttitudeTable table = small_attitude();
  table.lookup[3] = 2;
  EXPECT_THROW(make_factored_operator(response, make_attitude(table, 3), {1, 1}, cpu),
               std::invalid_argument);
}

/// More pixels than sixteen bits count.
TEST(Attitudes, SeeLargeSkies) {
  AttitudeTable table{.times = 1,
                      .pointings = 1,
                      .pixels = 140000,
                      .neighbours = 1,
                      .lookup = std::vector<std::uint16_t>(140000, imaging::kOutside),
                      .weight = {},
                      .live_time = {2},
                      .time_bin = {0}};
  table.lookup[70000] = 1;
  table.lookup[139999] = 0;
  FactoredResponseBuilder builder(2, 1, Storage::kFp64);
  builder.append(std::vector<double>{3, 5});
  compute::Cpu cpu(1);
  const auto op = make_factored_operator(builder.finish(), make_attitude(table, 2),
                                         std::vector<double>(140000, 0.5), cpu);
  std::vector<double> image(140000), back(140000);
  image[70000] = 1;
  std::vector<double> seen(1);
  op->forward(image, seen);
  EXPECT_EQ(seen[0], 5);
  op->back(std::vector<double>{1}, back);
  image[139999] = 3;
  image[70000] = 5;
  EXPECT_EQ(back, image);
}

}  // namespace
}  // namespace unfold::test
