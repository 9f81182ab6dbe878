#include "server/fleet/fleet.h"

#include <gtest/gtest.h>

namespace unfold::server {
namespace {

Lease lease_of(const std::string& job, std::int64_t fence, const std::string& key, bool prefetch) {
  Lease lease;
  lease.row.job_id = job;
  lease.row.worker = "worker";
  lease.row.fence = fence;
  lease.row.prefetch = prefetch;
  lease.response_key = key;
  lease.response_bytes = 60;
  return lease;
}

WorkerRecord& connected(Fleet& fleet, int slots) {
  WorkerRecord& worker = fleet.add_worker("worker", "first");
  worker.hello.set_slots(slots);
  worker.hello.set_memory_bytes(100);
  fleet.bind_session(7, worker);
  return worker;
}

TEST(Fleet, AGpuHoldsWhatItsRunningJobsNeedBesideTheirResponses) {
  Fleet fleet;
  WorkerRecord& worker = connected(fleet, 2);
  worker.hello.set_device("cuda:0");
  Lease lease = lease_of("a", 1, "psf", false);
  lease.device_bytes = 20;
  fleet.add_lease(lease);
  const Demand next{.response_key = "psf", .response_bytes = 60, .device_bytes = 20};
  EXPECT_TRUE(worker.fits_now(next));
  EXPECT_FALSE(worker.fits_now(next, 1));
  EXPECT_FALSE(worker.fits_ever({.response_bytes = 60, .device_bytes = 41}));
  EXPECT_FALSE(worker.fits_ever({.outgrown_bytes = 100}));
  worker.hello.set_device("cpu");
  EXPECT_TRUE(worker.fits_ever({.response_bytes = 60, .device_bytes = 41, .outgrown_bytes = 100}));
  fleet.erase_lease("a");
  EXPECT_EQ(worker.scratch_bytes, 0);
}

TEST(Fleet, AWaitingLeaseNeedsItsRoomOnTheGpuWhenItGetsASlot) {
  Fleet fleet;
  WorkerRecord& worker = connected(fleet, 1);
  Lease lease = lease_of("a", 1, "psf", true);
  lease.device_bytes = 20;
  fleet.add_lease(lease);
  EXPECT_EQ(worker.scratch_bytes, 0);
  fleet.promote_prefetched(worker);
  EXPECT_EQ(worker.scratch_bytes, 20);
}

TEST(Fleet, AResponseSharedByJobsIsCountedOnce) {
  Fleet fleet;
  WorkerRecord& worker = connected(fleet, 3);
  fleet.add_lease(lease_of("a", 1, "psf", false));
  fleet.add_lease(lease_of("b", 2, "psf", false));
  EXPECT_EQ(worker.held_bytes, 60);
  EXPECT_TRUE(worker.fits_now({.response_key = "psf", .response_bytes = 60}));
  EXPECT_FALSE(worker.fits_now({.response_key = "other", .response_bytes = 60}));
  fleet.erase_lease("a");
  EXPECT_EQ(worker.held_bytes, 60);
  fleet.erase_lease("b");
  EXPECT_EQ(worker.held_bytes, 0);
  EXPECT_TRUE(worker.held_keys.empty());
}

TEST(Fleet, TheOldestWaitingLeaseTakesAFreeSlot) {
  Fleet fleet;
  WorkerRecord& worker = connected(fleet, 1);
  fleet.add_lease(lease_of("running", 1, "", false));
  fleet.add_lease(lease_of("z", 2, "", true));
  fleet.add_lease(lease_of("a", 3, "", true));
  EXPECT_EQ(fleet.promote_prefetched(worker), nullptr);
  fleet.erase_lease("running");
  EXPECT_EQ(fleet.promote_prefetched(worker)->row.job_id, "z");
  EXPECT_EQ(worker.running, 1);
  EXPECT_EQ(worker.prefetched, 1);
}

TEST(Fleet, ASessionNamesItsWorkerUntilItIsUnbound) {
  Fleet fleet;
  WorkerRecord& worker = connected(fleet, 1);
  EXPECT_EQ(fleet.by_session(7), &worker);
  fleet.unbind_session(7);
  EXPECT_EQ(fleet.by_session(7), nullptr);
  EXPECT_EQ(worker.free_slots(), 0);
  EXPECT_EQ(fleet.view(worker, {}).state(), v1::WORKER_STATE_LOST);
}

}  // namespace
}  // namespace unfold::server
