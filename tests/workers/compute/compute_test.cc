#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

#include "tests/support/emulated_device.h"
#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/compute/staging.h"

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

/// A device whose queued copies run as late as they may: what is read or written too early shows.
class LateCopies : public test::Emulated {
 public:
  void copy_in(void* to, const void* from, std::size_t n) { queue_.push_back({to, from, n}); }
  void queue_out(void* to, const void* from, std::size_t n) { queue_.push_back({to, from, n}); }
  void copy_out(void* to, const void* from, std::size_t n) {
    synchronize();
    Emulated::copy_out(to, from, n);
  }
  void synchronize() {
    for (const Copy& c : queue_) Emulated::copy_in(c.to, c.from, c.bytes);
    queue_.clear();
    ++waits;
  }
  int waits = 0;

 private:
  struct Copy {
    void* to;
    const void* from;
    std::size_t bytes;
  };
  std::vector<Copy> queue_;
};

TEST(Staging, CopiesAnySizeThereAndBackThoughCopiesRunLate) {
  LateCopies device;
  Staging<LateCopies> staging(device, 16);
  for (const Index n : {0, 1, 15, 16, 17, 32, 64, 65, 1000}) {
    std::vector<char> host(static_cast<std::size_t>(n)), back(host.size());
    std::iota(host.begin(), host.end(), '\x01');
    const std::vector<char> want = host;
    Buffer<char, LateCopies> there(device, n);
    staging.copy_in(there.view(n).data, host.data(), host.size());
    host.assign(host.size(), 0);  // it has been read
    staging.copy_out(back.data(), there.view(n).data, back.size());
    EXPECT_EQ(back, want) << n;
  }
}

TEST(Staging, WaitsOncePerRingOfChunksOnTheWayIn) {
  LateCopies device;
  Staging<LateCopies> staging(device, 16);
  const std::vector<char> host(160);
  Buffer<char, LateCopies> there(device, 160);
  staging.copy_in(there.view(160).data, host.data(), 64);
  EXPECT_EQ(device.waits, 0);
  staging.copy_in(there.view(160).data, host.data(), 160);
  EXPECT_EQ(device.waits, 3);
}

}  // namespace
}  // namespace unfold::compute
