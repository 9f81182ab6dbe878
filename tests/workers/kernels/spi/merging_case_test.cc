#include "tests/workers/kernels/spi/stored_merge.h"

namespace unfold::spi {
namespace {

using MergingCase = StoredMerge;

TEST_F(MergingCase, CleanFramesGiveTheTrueAutocorrelation) { expect_clean_frames_give_the_truth(); }

TEST_F(MergingCase, FramesOfAThousandPhotonsGiveItToOnePercent) {
  const MergeResult result =
      solve("c5_full_noisy.h5", "noisy", {.tolerance = 1e-4, .nufft_tolerance = 1e-6});
  EXPECT_GE(correlation(result.autocorrelation, file_->doubles("ac_true")), 0.993);
  EXPECT_GE(correlation(result.autocorrelation, file_->doubles("noisy/x")), 0.9999);
}

}  // namespace
}  // namespace unfold::spi
