#include <gtest/gtest.h>

#include "tests/support/emulated_device.h"
#include "tests/workers/kernels/imaging/device_problem.h"

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
  }
  EXPECT_GT(refused, 20);
}

}  // namespace
}  // namespace unfold::test
