#pragma once

#include <type_traits>
#include <vector>

#include "tests/support/on_device.h"
#include "tests/workers/kernels/imaging/device_problem.h"

// Residents and lists of imaging on any device: memory, and the same bits in any order of threads.
// What they compute is tested by operator_suite.h, through the module.
namespace unfold::test {

template <class D>
class ListsOnDevices : public OnDevice<D> {
 protected:
  static std::size_t free_bytes() {
    D device(0);
    device.synchronize();
    cuda::DeviceInfo info{};
    D::describe(0, &info);
    return static_cast<std::size_t>(info.free_bytes);
  }
};
TYPED_TEST_SUITE_P(ListsOnDevices);

TYPED_TEST_P(ListsOnDevices, GiveTheSameBitsAgainAndInAnyOrderOfThreads) {
  for (const Index neighbours : {1, 4}) {
    for (const Index replicates : {1, 17}) {
      DeviceProblem<TypeParam> first(neighbours, imaging::Storage::kFp16),
          again(neighbours, imaging::Storage::kFp16);
      const std::vector<double> results = first.results(replicates);
      EXPECT_EQ(results, again.results(replicates));
      if (std::is_base_of_v<Emulated, TypeParam>) {
        DeviceProblem<Emulated> forward(neighbours, imaging::Storage::kFp16);
        EXPECT_EQ(results, forward.results(replicates));
      }
    }
  }
}

TYPED_TEST_P(ListsOnDevices, KeepTheCountsOfOneVersion) {
  DeviceProblem<TypeParam> made(1, imaging::Storage::kFp32);
  const Index n = made.problem.events.size();
  const auto image = made.problem.random_values(OperatorProblem::kPixels);
  const std::vector<double> amplitude(6, 1), ones(at(n), 1), twos(at(n), 2);
  const auto back = [&](const std::vector<double>& counts, Index version) {
    return made.list
        ->pass(
            {.counts = counts, .image = image, .amplitude = amplitude, .counts_version = version})
        .back;
  };
  const auto of_ones = back(ones, 1), of_twos = back(twos, 2);
  EXPECT_NE(of_ones, of_twos);
  EXPECT_EQ(back(ones, 2), of_twos);  // the same version: not looked at
  EXPECT_EQ(back(ones, 0), of_ones);  // unknown: looked at
  EXPECT_EQ(back(twos, 0), of_twos);
}

TYPED_TEST_P(ListsOnDevices, LeaveNoByteWhenTheyGo) {
  { DeviceProblem<TypeParam>(4, imaging::Storage::kFp32).results(17); }  // what a driver keeps
  const std::size_t before = this->free_bytes();
  for (int i = 0; i < 1000; ++i) {
    DeviceProblem<TypeParam> made(4, imaging::Storage::kFp32);
    if (i % 100 == 0) made.results(5);
    ASSERT_GT(made.response->bytes() + made.attitude->bytes(), 50000u);
  }
  EXPECT_EQ(this->free_bytes(), before);
}

REGISTER_TYPED_TEST_SUITE_P(ListsOnDevices, GiveTheSameBitsAgainAndInAnyOrderOfThreads,
                            KeepTheCountsOfOneVersion, LeaveNoByteWhenTheyGo);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE ListsOnDevices
