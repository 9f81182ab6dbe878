#include "workers/residency/response_cache.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <new>
#include <random>
#include <thread>

#include "common/base/error.h"
#include "tests/support/fake_clock.h"

namespace unfold::residency {
namespace {

using std::chrono::seconds;
using ::testing::UnorderedElementsAre;

/// A device's memory: counts what is really allocated, which the cache's ledger must equal.
struct Device {
  std::atomic<std::int64_t> allocated{0};
};

class DeviceResponse final : public Response {
 public:
  DeviceResponse(Device& device, std::int64_t bytes) : device_(device), bytes_(bytes) {
    device_.allocated += bytes;
  }
  ~DeviceResponse() override { device_.allocated -= bytes_; }
  std::int64_t bytes() const override { return bytes_; }

 private:
  Device& device_;
  std::int64_t bytes_;
};

class DeviceWorkspace final : public Workspace {
 public:
  DeviceWorkspace(Device& device, std::int64_t bytes) : held_(device, bytes) {}
  std::int64_t bytes() const override { return held_.bytes(); }

 private:
  DeviceResponse held_;
};

class ResponseCacheTest : public ::testing::Test {
 protected:
  absl::StatusOr<ResponseCache::Acquired> get(const std::string& key, std::int64_t bytes,
                                              Duration load_time = seconds(1)) {
    return cache->acquire({key, "probe", bytes},
                          [=, this]() -> absl::StatusOr<std::shared_ptr<const Response>> {
                            ++loads;
                            clock->advance(load_time);
                            return std::make_shared<DeviceResponse>(device, bytes);
                          });
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const Resident& resident : cache->list()) out.push_back(resident.key);
    return out;
  }

  Device device;
  int loads = 0;
  std::shared_ptr<test::FakeClock> clock = std::make_shared<test::FakeClock>();
  std::unique_ptr<ResponseCache> cache = make_response_cache(100, clock);
};

TEST_F(ResponseCacheTest, ASecondUseIsAHitAndLoadsNothing) {
  const auto first = get("a", 10);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->hit);
  EXPECT_EQ(first->load_seconds, 1.0);
  const auto second = get("a", 10);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->hit);
  EXPECT_EQ(second->load_seconds, 0.0);
  EXPECT_EQ(second->response, first->response);
  EXPECT_EQ(loads, 1);
}

TEST_F(ResponseCacheTest, ACallerThatWaitsForAnothersLoadIsAskedWhetherToGoOn) {
  std::latch loading(1), give_up(1);
  std::thread loader([&] {
    const auto load = [&]() -> absl::StatusOr<std::shared_ptr<const Response>> {
      loading.count_down();
      give_up.wait();
      return std::make_shared<DeviceResponse>(device, 10);
    };
    EXPECT_TRUE(cache->acquire({"a", "probe", 10}, load).ok());
  });
  loading.wait();
  const ResponseCache::Key key{
      .key = "a", .engine = "probe", .expected_bytes = 10, .while_waiting = [this] {
        EXPECT_EQ(cache->resident_bytes(), 10);  // takes the cache's lock
        return absl::CancelledError("told to stop");
      }};
  EXPECT_TRUE(absl::IsCancelled(cache->acquire(key, {}).status()));
  give_up.count_down();
  loader.join();
  EXPECT_TRUE(get("a", 10)->hit);
  EXPECT_TRUE(cache->evict("a").ok());  // nobody counts as waiting
}

TEST_F(ResponseCacheTest, ListTellsUsesHoldersAndIdleTime) {
  const auto held = get("a", 10);
  get("a", 10).IgnoreError();
  clock->advance(seconds(5));
  const auto list = cache->list();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].uses, 2);
  EXPECT_EQ(list[0].holders, 1);
  EXPECT_EQ(list[0].bytes, 10);
  EXPECT_EQ(list[0].idle_seconds, 5.0);
}

TEST_F(ResponseCacheTest, AHeldResponseIsNeverEvicted) {
  auto held = get("held", 60);
  EXPECT_TRUE(absl::IsFailedPrecondition(cache->evict("held")));
  const auto refused = get("b", 50);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_EQ(reason_of(refused.status()), "RESPONSE_MEMORY");
  EXPECT_THAT(keys(), UnorderedElementsAre("held"));

  held = absl::CancelledError();  // let go
  EXPECT_TRUE(get("b", 50).ok());
  EXPECT_THAT(keys(), UnorderedElementsAre("b"));
  EXPECT_EQ(device.allocated, 50);
}

TEST_F(ResponseCacheTest, TheVictimIsTheLeastWorthPerByte) {
  ASSERT_TRUE(get("slow to load", 30, seconds(100)).ok());
  ASSERT_TRUE(get("quick to load", 30, seconds(1)).ok());
  ASSERT_TRUE(get("much used", 30, seconds(50)).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(get("much used", 30).ok());
  ASSERT_TRUE(get("new", 30).ok());
  EXPECT_THAT(keys(), UnorderedElementsAre("slow to load", "much used", "new"));
}

TEST_F(ResponseCacheTest, OfEquallyWorthTheLongestIdleGoesFirst) {
  ASSERT_TRUE(get("b", 40).ok());
  ASSERT_TRUE(get("a", 40).ok());
  ASSERT_TRUE(get("c", 40).ok());
  EXPECT_THAT(keys(), UnorderedElementsAre("a", "c"));
}

TEST_F(ResponseCacheTest, AResponseLargerThanTheBudgetIsRefusedAndNothingIsLoaded) {
  EXPECT_TRUE(absl::IsResourceExhausted(get("a", 101).status()));
  EXPECT_EQ(loads, 0);
}

TEST_F(ResponseCacheTest, AResponseLargerThanItSaidIsCountedAsItIs) {
  const auto grown = cache->acquire({"a", "probe", 10}, [&] {
    return absl::StatusOr<std::shared_ptr<const Response>>(
        std::make_shared<DeviceResponse>(device, 70));
  });
  ASSERT_TRUE(grown.ok());
  EXPECT_EQ(cache->resident_bytes(), 70);
  const auto too_much = cache->acquire({"b", "probe", 10}, [&] {
    return absl::StatusOr<std::shared_ptr<const Response>>(
        std::make_shared<DeviceResponse>(device, 31));
  });
  EXPECT_TRUE(absl::IsResourceExhausted(too_much.status()));
  EXPECT_EQ(cache->resident_bytes(), 70);
  EXPECT_EQ(device.allocated, 70);
}

TEST_F(ResponseCacheTest, AFailedLoadIsNotKept) {
  const auto failed =
      cache->acquire({"a", "probe", 10}, [] { return absl::DataLossError("the file is damaged"); });
  EXPECT_TRUE(absl::IsDataLoss(failed.status()));
  EXPECT_EQ(cache->resident_bytes(), 0);
  EXPECT_TRUE(get("a", 10).ok());
}

TEST_F(ResponseCacheTest, ALoadThatThrowsLeavesNobodyWaiting) {
  const Loader throwing = []() -> absl::StatusOr<std::shared_ptr<const Response>> {
    throw std::bad_alloc();
  };
  EXPECT_THROW(cache->acquire({"a", "probe", 10}, throwing).IgnoreError(), std::bad_alloc);
  EXPECT_EQ(cache->resident_bytes(), 0);
  EXPECT_TRUE(get("a", 10).ok());
}

TEST_F(ResponseCacheTest, ConcurrentCallersShareOneLoad) {
  constexpr int kCallers = 8;
  std::latch begun(1);
  std::latch may_end(1);
  std::atomic<int> loaded{0};
  std::atomic<int> misses{0};
  const Loader slow = [&]() -> absl::StatusOr<std::shared_ptr<const Response>> {
    ++loaded;
    begun.count_down();
    may_end.wait();
    return std::make_shared<DeviceResponse>(device, 10);
  };
  const auto call = [&] {
    const auto got = cache->acquire({"a", "probe", 10}, slow);
    ASSERT_TRUE(got.ok());
    misses += got->hit ? 0 : 1;
  };
  std::vector<std::thread> threads;
  threads.emplace_back(call);
  begun.wait();
  for (int i = 1; i < kCallers; ++i) threads.emplace_back(call);
  may_end.count_down();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loaded, 1);
  EXPECT_GE(misses, 1);
}

TEST_F(ResponseCacheTest, EvictingReturnsEveryByteOverTenThousandCycles) {
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = std::to_string(random() % 7);
    ASSERT_TRUE(get(key, 20 + static_cast<std::int64_t>(random() % 30)).ok());
    ASSERT_EQ(cache->resident_bytes(), device.allocated);
    ASSERT_LE(device.allocated, cache->budget_bytes());
    if (random() % 2 == 0) {
      ASSERT_TRUE(cache->evict(key).ok());
      ASSERT_EQ(cache->resident_bytes(), device.allocated);
    }
  }
  for (const std::string& key : keys()) ASSERT_TRUE(cache->evict(key).ok());
  EXPECT_EQ(cache->resident_bytes(), 0);
  EXPECT_EQ(device.allocated, 0);
}

TEST_F(ResponseCacheTest, ThreadsThatLoadHoldAndEvictLeaveTheLedgerExact) {
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([this, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 2'000; ++i) {
        const std::string key = std::to_string(random() % 5);
        const auto held = cache->acquire({key, "probe", 20}, [this] {
          return absl::StatusOr<std::shared_ptr<const Response>>(
              std::make_shared<DeviceResponse>(device, 20));
        });
        if (random() % 3 == 0) cache->evict(std::to_string(random() % 5)).IgnoreError();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache->resident_bytes(), device.allocated);
  for (const std::string& key : keys()) ASSERT_TRUE(cache->evict(key).ok());
  EXPECT_EQ(device.allocated, 0);
}

TEST_F(ResponseCacheTest, AReservationEvictsWhatNobodyHoldsButWhatItKeeps) {
  get("kept", 30).IgnoreError();
  get("idle", 30).IgnoreError();
  auto room = cache->reserve({"probe", 60, "kept"});
  ASSERT_TRUE(room.ok()) << room.status();
  EXPECT_THAT(keys(), UnorderedElementsAre("kept"));
  EXPECT_EQ(cache->resident_bytes(), 30);
  EXPECT_FALSE(cache->reserve({"probe", 11, "kept"}).ok());
  EXPECT_EQ(reason_of(get("other", 71).status()), "RESPONSE_MEMORY");
  room->reset();
  EXPECT_TRUE(get("other", 100).ok());
}

TEST_F(ResponseCacheTest, AReservationDoesNotEvictWhatIsHeld) {
  const auto held = get("held", 60);
  EXPECT_EQ(reason_of(cache->reserve({"probe", 50}).status()), "RESPONSE_MEMORY");
  EXPECT_TRUE(cache->reserve({"probe", 40}).ok());
  EXPECT_EQ(device.allocated, 60);
}

TEST_F(ResponseCacheTest, AnIdleWorkspaceIsTheNextJobsOfItsSizeAndGoesBeforeAnyResponse) {
  get("a", 30).IgnoreError();
  auto room = *cache->reserve({"probe", 50, "a"});
  EXPECT_EQ(room->workspace, nullptr);
  room->workspace = std::make_shared<DeviceWorkspace>(device, 40);
  const Workspace* const first = room->workspace.get();
  room.reset();
  EXPECT_EQ(cache->workspace_bytes().idle, 40);

  EXPECT_EQ((*cache->reserve({"probe", 20}))->workspace, nullptr);
  EXPECT_EQ((*cache->reserve({"other", 30}))->workspace, nullptr);
  room = *cache->reserve({"probe", 50, "a"});
  EXPECT_EQ(room->workspace.get(), first);
  EXPECT_EQ(cache->workspace_bytes().reserved, 50);
  EXPECT_EQ(cache->workspace_bytes().idle, 0);
  room.reset();

  get("b", 60).IgnoreError();
  EXPECT_THAT(keys(), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(cache->workspace_bytes().idle, 0);
  EXPECT_EQ(device.allocated, 90);
}

TEST_F(ResponseCacheTest, AWorkspaceThatOutgrewItsReservationIsKeptOnlyWhereThereIsRoom) {
  const auto held = get("held", 60);
  auto room = *cache->reserve({"probe", 10});
  room->workspace = std::make_shared<DeviceWorkspace>(device, 41);
  room.reset();
  EXPECT_EQ(cache->workspace_bytes().idle, 0);
  EXPECT_EQ(device.allocated, 60);
}

}  // namespace
}  // namespace unfold::residency
