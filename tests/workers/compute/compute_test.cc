#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"

namespace unfold::compute {
namespace {

TEST(View, LastIndexIsContiguous) {
  int data[24];
  std::iota(std::begin(data), std::end(data), 0);
  const View<int, 3> view(data, 2, 3, 4);
  EXPECT_EQ(view.size(), 24);
  EXPECT_EQ(view(1, 2, 3), 23);
  EXPECT_EQ(view(1, 0, 0) - view(0, 0, 0), 12);
  const View<const int, 3> constant = view;
  EXPECT_EQ(constant(0, 2, 1), 9);
}

TEST(Cpu, CallsTheBodyOnceForEachIndex) {
  Cpu cpu(4);
  for (const Index n : {0, 1, 31, 32, 33, 1000}) {
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(n));
    cpu.parallel_for(n, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
    for (const auto& c : calls) EXPECT_EQ(c, 1);
  }
}

TEST(Cpu, HandsOnAnExceptionOfTheBody) {
  Cpu cpu(2);
  EXPECT_THROW(cpu.parallel_for(100,
                                [](Index i) {
                                  if (i == 40) throw std::runtime_error("forty");
                                }),
               std::runtime_error);
}

TEST(Cpu, AllocatesAlignedMemory) {
  Cpu cpu(1);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
    void* p = cpu.allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 64, 0u);
    cpu.deallocate(p);
  }
}

TEST(Cpu, RefusesAnImpossibleAllocation) {
  Cpu cpu(1);
  EXPECT_THROW(cpu.allocate(std::size_t{1} << 60), OutOfMemory);
}

TEST(Buffer, KeepsWhatWasUploadedThroughAMove) {
  Cpu cpu(1);
  const std::vector<int> host{1, 2, 3};
  Buffer<int, Cpu> a(cpu, 3);
  a.upload(host);
  Buffer<int, Cpu> b = std::move(a);
  std::vector<int> back(3);
  b.download(back);
  EXPECT_EQ(back, host);
  EXPECT_EQ(b.view(3)(2), 3);
  EXPECT_EQ(b.bytes(), 12u);
}

TEST(SoloCommunicator, SumIsItsOwn) {
  SoloCommunicator solo;
  std::vector<double> values{1, 2};
  solo.sum(values);
  EXPECT_EQ(values, (std::vector<double>{1, 2}));
  EXPECT_EQ(solo.size(), 1);
  EXPECT_EQ(solo.rank(), 0);
}

TEST(Isa, FastestIsChosenUnlessOneIsForced) {
  unsetenv("UNFOLD_ISA");
  EXPECT_EQ(choose_isa(), available_isas().back());
  for (const Isa isa : available_isas()) {
    setenv("UNFOLD_ISA", to_string(isa).c_str(), 1);
    EXPECT_EQ(choose_isa(), isa);
  }
  unsetenv("UNFOLD_ISA");
}

TEST(Isa, ForcingOneThatIsNotThereIsRefused) {
  setenv("UNFOLD_ISA", "v9", 1);
  EXPECT_THROW(choose_isa(), std::invalid_argument);
  unsetenv("UNFOLD_ISA");
}

}  // namespace
}  // namespace unfold::compute
