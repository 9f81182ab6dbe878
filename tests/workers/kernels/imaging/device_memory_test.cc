#include <gtest/gtest.h>

#include <optional>

#include "tests/support/emulated_device.h"
#include "tests/workers/kernels/imaging/device_problem.h"
#include "workers/kernels/imaging/column_pieces.h"
#include "workers/kernels/imaging/device/loading_response.h"

namespace unfold::test {
namespace {

/// A device that has room for so many bytes more.
class Room {
 public:
  explicit Room(std::size_t bytes) { Emulated::limit() = Emulated::held() + bytes; }
  ~Room() { Emulated::limit() = before_; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

 private:
  std::size_t before_ = Emulated::limit();
};

TEST(ImagingMemory, RunningOutAnywhereSaysSoAndLeavesNothing) {
  const std::size_t before = Emulated::held();
  bool fitted = false;
  int refused = 0;
  for (std::size_t room = 0; !fitted; room += 4096) {
    const Room small(room);
    try {
      DeviceProblem<Emulated>(4, imaging::Storage::kFp16).results(17);
      fitted = true;
    } catch (const compute::OutOfMemory&) {
      ++refused;
    }
    ASSERT_EQ(Emulated::held(), before) << room;
    ASSERT_EQ(Emulated::pinned(), 0u) << room;
  }
  EXPECT_GT(refused, 20);
}

/// Host memory for a dense response on its way is that of two pieces, however large it is.
TEST(ImagingMemory, ADenseResponseNeedsOnePieceOfTheHostPackedAndOnePinned) {
  constexpr Index kPiece = 48 * 100 * 4;
  Index most = 0, pieces = 0;
  const imaging::Shape shape{3, 400, 100};
  std::optional<imaging::LoadingResponse<Emulated>> loading;
  imaging::ColumnPieces cut(shape, imaging::Storage::kFp32, kPiece + 48 * 2 * 8 + 100,
                            [&](Index time, Index first, const imaging::PackedResponse& piece) {
                              most = std::max(most, piece.elements() * 4);
                              ++pieces;
                              loading->lay(time, first, arrays_of(piece));
                            });
  loading.emplace(0, imaging::ResponseSizes{3, 400, 100, imaging::Element::kF32, false},
                  cut.columns());
  const std::vector<double> row(100, 1.0);
  for (Index i = 0; i < shape.times * shape.pixels; ++i) cut.append(row, {});
  cut.finish();
  EXPECT_EQ(most, kPiece);
  EXPECT_EQ(pieces, 3 * 9);
  EXPECT_EQ(Emulated::pinned(), static_cast<std::size_t>(kPiece + 2 * 48 * 8));
  const auto response = loading->finish();
  const float* rows = response->rows<float>().data;
  EXPECT_EQ(rows[0], 1.0f);
  EXPECT_EQ(rows[3 * 400 * 100 - 1], 1.0f);
  loading.reset();
  EXPECT_EQ(Emulated::pinned(), 0u);
  EXPECT_EQ(Emulated::held(), response->bytes());
}

/// What a graph could save: see docs/benchmarks.md.
TEST(ImagingMemory, APassIsFourLaunchesACopyEachWayAndNoAllocation) {
  DeviceProblem<Emulated> made(1, imaging::Storage::kFp32);
  const auto counts = made.problem.random_counts(made.problem.events.size());
  const auto image = made.problem.random_values(OperatorProblem::kPixels);
  const std::vector<double> amplitude(6, 1);
  const auto pass = [&] {
    made.list->pass(
        {.counts = counts, .image = image, .amplitude = amplitude, .counts_version = 1});
  };
  pass();
  const Emulated::Calls before = Emulated::calls();
  pass();
  const Emulated::Calls after = Emulated::calls();
  EXPECT_EQ(after.launches - before.launches, 4);
  EXPECT_EQ(after.copies_in - before.copies_in, 1);
  EXPECT_EQ(after.copies_out - before.copies_out, 1);
  EXPECT_EQ(after.allocations - before.allocations, 0);
}

}  // namespace
}  // namespace unfold::test
