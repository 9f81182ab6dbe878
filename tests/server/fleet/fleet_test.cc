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

TEST(Fleet, AResponseSharedByJobsIsCountedOnce) {
  Fleet fleet;
  WorkerRecord& worker = connected(fleet, 3);
  fleet.add_lease(lease_of("a", 1, "psf", false));
  fleet.add_lease(lease_of("b", 2, "psf", false));
  EXPECT_EQ(worker.held_bytes, 60);
  EXPECT_TRUE(worker.fits_now("psf", 60));
  EXPECT_FALSE(worker.fits_now("other", 60));
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
