#include "tests/server/jobs/store_contract.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "server/jobs/memory_job_store.h"
#include "server/jobs/sqlite_connection.h"
#include "server/jobs/sqlite_job_store.h"

namespace unfold::server {
namespace {

using ::testing::HasSubstr;

TEST_P(StoreContract, ANewStoreIsEmpty) {
  EXPECT_EQ(store->revision(), 0);
  EXPECT_TRUE(store->list({})->jobs.empty());
  EXPECT_TRUE(store->load()->live_jobs.empty());
  EXPECT_TRUE(absl::IsNotFound(store->get("a").status()));
}

TEST_P(StoreContract, AJobComesBackWholeAlsoAfterReopening) {
  v1::Job job = make_job("a");
  (*job.mutable_spec()->mutable_labels())["tile"] = "1234";
  job.mutable_plan()->set_response_key(std::string("k\0ey", 4));
  put(job);
  reopen();
  EXPECT_EQ(store->get("a")->SerializeAsString(), job.SerializeAsString());
  EXPECT_EQ(store->revision(), job.revision());
}

TEST_P(StoreContract, ALaterPutReplacesTheJobInItsPlace) {
  put(make_job("a"));
  put(make_job("b"));
  put(make_job("a", v1::JOB_STATE_RUNNING));
  EXPECT_EQ(store->get("a")->state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(ids(""), "b a ");
}

TEST_P(StoreContract, FiltersSelect) {
  v1::Job labelled = make_job("labelled");
  (*labelled.mutable_spec()->mutable_labels())["tile"] = "12";
  put(labelled);
  put(make_job("running", v1::JOB_STATE_RUNNING));
  put(make_job("done", v1::JOB_STATE_SUCCEEDED));
  v1::Job other = make_job("other");
  other.set_engine("probe");
  other.set_submitter("bob");
  other.set_exposure("20261120-00051060");
  other.mutable_spec()->mutable_extraction()->set_camera("z9");
  put(other);
  EXPECT_EQ(ids("state=RUNNING"), "running ");
  EXPECT_EQ(ids("state=queued AND engine=extraction"), "labelled ");
  EXPECT_EQ(ids("active=false"), "done ");
  EXPECT_EQ(ids("active=true"), "other running labelled ");
  EXPECT_EQ(ids("engine=probe"), "other ");
  EXPECT_EQ(ids("submitter=bob"), "other ");
  EXPECT_EQ(ids("camera=\"z9\""), "other ");
  EXPECT_EQ(ids("exposure=20261120-00051060"), "other ");
  EXPECT_EQ(ids("exposure=\"\" AND active=false"), "done ");
  EXPECT_EQ(ids("labels.tile=12"), "labelled ");
  EXPECT_EQ(ids("labels.tile=13"), "");
}

TEST_P(StoreContract, BadFiltersNameTheField) {
  for (const char* filter : {"state", "state=RUNING", "colour=red", "state=QUEUED OR active=true",
                             "active=maybe", "state=QUEUED AND ", "engine=\"x", "labels.=1", "="}) {
    const auto page = store->list({.filter = filter});
    EXPECT_TRUE(absl::IsInvalidArgument(page.status())) << filter;
    EXPECT_EQ(field_of(page.status()), "filter");
  }
}

TEST_P(StoreContract, PagesNeverShiftWhenJobsArrive) {
  for (int i = 0; i < 5; ++i) put(make_job(absl::StrCat("j", i)));
  const JobPage first = *store->list({.filter = "active=true", .page_size = 2});
  EXPECT_EQ(first.jobs.at(0).id(), "j4");
  EXPECT_EQ(first.total, 5);
  put(make_job("late"));
  const JobPage second =
      *store->list({.filter = "active=true", .page_size = 2, .page_token = first.next_page_token});
  EXPECT_EQ(second.jobs.at(0).id(), "j2");
  EXPECT_EQ(second.jobs.at(1).id(), "j1");
  const JobPage third =
      *store->list({.filter = "active=true", .page_size = 2, .page_token = second.next_page_token});
  EXPECT_EQ(third.jobs.size(), 1u);
  EXPECT_EQ(third.next_page_token, "");
}

TEST_P(StoreContract, APageTokenOfAnotherListingIsRefused) {
  for (int i = 0; i < 3; ++i) put(make_job(absl::StrCat("j", i)));
  const JobPage page = *store->list({.filter = "", .page_size = 1});
  EXPECT_TRUE(absl::IsInvalidArgument(
      store->list({.filter = "active=true", .page_token = page.next_page_token}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store->list({.filter = "", .page_token = "junk"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store->list({.filter = "", .page_size = 1001}).status()));
}

TEST_P(StoreContract, CountsFollowStatesAlsoAfterReopening) {
  put(make_job("a"));
  put(make_job("b"));
  put(make_job("a", v1::JOB_STATE_SUCCEEDED));
  for (int i = 0; i < 2; ++i, reopen()) {
    EXPECT_EQ((store->counts().at({"extraction", v1::JOB_STATE_QUEUED})), 1);
    EXPECT_EQ((store->counts().at({"extraction", v1::JOB_STATE_SUCCEEDED})), 1);
  }
  EXPECT_EQ(store->list({.filter = "state=SUCCEEDED"})->total, 1);
}

TEST_P(StoreContract, ChangesAreOldestFirstEachJobOnce) {
  put(make_job("a"));
  put(make_job("b"));
  put(make_job("a", v1::JOB_STATE_RUNNING));
  const auto changes = *store->changes({.from_revision = 0});
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].id(), "b");
  EXPECT_EQ(changes[1].id(), "a");
  EXPECT_EQ(store->changes({.from_revision = 2})->size(), 1u);
  EXPECT_EQ(store->changes({.from_revision = 0, .job_id = "b"})->size(), 1u);
  EXPECT_EQ(store->changes({.from_revision = 0, .limit = 1})->at(0).id(), "b");
  EXPECT_TRUE(store->changes({.from_revision = 3})->empty());
}

TEST_P(StoreContract, EventsReadOnFromTheirOffset) {
  put(make_job("a"));
  ASSERT_TRUE(store
                  ->commit({}, {{"a", 1, "info", "one", 0, ""},
                                {"b", 2, "info", "other", 0, ""},
                                {"a", 3, "error", "two", 1, "w"}})
                  .ok());
  const EventPage first = *store->events("a", 0, 1);
  ASSERT_EQ(first.events.size(), 1u);
  EXPECT_EQ(first.events[0].message, "one");
  const EventPage second = *store->events("a", first.next_offset, 10);
  ASSERT_EQ(second.events.size(), 1u);
  EXPECT_EQ(second.events[0].message, "two");
  EXPECT_EQ(second.events[0].worker, "w");
  EXPECT_EQ(second.events[0].attempt, 1);
  const EventPage none = *store->events("a", second.next_offset, 10);
  EXPECT_TRUE(none.events.empty());
  EXPECT_EQ(none.next_offset, second.next_offset);
}

TEST_P(StoreContract, TheSnapshotHoldsAllThatARestartNeeds) {
  put(make_job("live", v1::JOB_STATE_RUNNING));
  put(make_job("done", v1::JOB_STATE_SUCCEEDED));
  IntentRow intent{.job_id = "live", .fence = 7, .outputs = {v1::OutputFile()}};
  intent.outputs[0].set_path("out:x");
  ASSERT_TRUE(store
                  ->commit({PutFence{7}, PutLease{{"live", "l", "w", "i", 7, 1, true}},
                            PutIntent{intent}, PutRequest{"ana", "r", "d", "live", 5},
                            PutDrain{"w", true}, PutDrain{"v", true}, PutDrain{"v", false}},
                           {})
                  .ok());
  reopen();
  const Snapshot snapshot = *store->load();
  ASSERT_EQ(snapshot.live_jobs.size(), 1u);
  EXPECT_EQ(snapshot.live_jobs[0].id(), "live");
  ASSERT_EQ(snapshot.leases.size(), 1u);
  EXPECT_EQ(snapshot.leases[0].fence, 7);
  EXPECT_EQ(snapshot.leases[0].incarnation, "i");
  EXPECT_TRUE(snapshot.leases[0].prefetch);
  ASSERT_EQ(snapshot.intents.size(), 1u);
  EXPECT_EQ(snapshot.intents[0].outputs.at(0).path(), "out:x");
  ASSERT_EQ(snapshot.requests.size(), 1u);
  EXPECT_EQ(snapshot.requests[0].job_id, "live");
  EXPECT_EQ(snapshot.draining_workers, std::vector<std::string>{"w"});
  EXPECT_EQ(snapshot.last_fence, 7);
  EXPECT_EQ(snapshot.last_revision, revision);
  EXPECT_EQ(store->intents("live")->size(), 1u);
}

TEST_P(StoreContract, ADroppedLeaseIsGone) {
  put(make_job("a"));
  ASSERT_TRUE(store->commit({PutLease{{"a", "l", "w", "i", 1, 1, false}}}, {}).ok());
  ASSERT_TRUE(store->commit({DropLease{"a"}}, {}).ok());
  EXPECT_TRUE(store->load()->leases.empty());
}

TEST_P(StoreContract, AnIntentNeedsTheLeasesFenceAndRefusalLeavesTheStoreUnchanged) {
  put(make_job("a"));
  const IntentRow intent{.job_id = "a", .fence = 1, .outputs = {}};
  ASSERT_TRUE(store->commit({PutLease{{"a", "l", "w", "i", 2, 1, false}}}, {}).ok());
  const std::int64_t before = store->revision();
  const absl::Status refused =
      store->commit({PutJob{make_job("b")}, PutIntent{intent}}, {{"a", 1, "info", "never", 0, ""}});
  EXPECT_TRUE(absl::IsAborted(refused)) << refused;
  EXPECT_EQ(reason_of(refused), "FENCED");
  EXPECT_TRUE(absl::IsNotFound(store->get("b").status()));
  EXPECT_EQ(store->revision(), before);
  EXPECT_TRUE(store->events("a", 0, 10)->events.empty());
  EXPECT_EQ(store->counts().at({"extraction", v1::JOB_STATE_QUEUED}), 1);
  EXPECT_TRUE(
      store->commit({PutLease{{"a", "l", "w", "i", 1, 1, false}}, PutIntent{intent}}, {}).ok());
}

TEST_P(StoreContract, RequestsAreForgottenAfterSevenDays) {
  ASSERT_TRUE(store->commit({PutRequest{"ana", "old", "d", "a", 1}}, {}).ok());
  ASSERT_TRUE(store->commit({PutRequest{"ana", "new", "d", "a", 2 + kRequestMemoryNs}}, {}).ok());
  const Snapshot snapshot = *store->load();
  ASSERT_EQ(snapshot.requests.size(), 1u);
  EXPECT_EQ(snapshot.requests[0].request_id, "new");
}

TEST_P(StoreContract, AnExposureShowsTheStateOfItsCameras) {
  v1::Exposure exposure;
  exposure.set_id("20261120-00051060");
  exposure.set_night(20261120);
  exposure.add_cameras()->set_camera("b0");
  exposure.mutable_cameras(0)->set_problem("no psf file");
  exposure.add_cameras()->set_camera("r0");
  exposure.mutable_cameras(1)->set_job_id("r");
  v1::Job job = make_job("r", v1::JOB_STATE_RUNNING);
  job.set_exposure(exposure.id());
  ASSERT_TRUE(store->commit({PutJob{job}, PutExposure{exposure}}, {}).ok());
  EXPECT_EQ(store->exposure(exposure.id())->cameras(1).state(), v1::JOB_STATE_RUNNING);
  EXPECT_FALSE(store->exposure(exposure.id())->done());
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  job.set_revision(++revision);
  put(job);
  EXPECT_TRUE(store->exposure(exposure.id())->done());
  EXPECT_EQ(store->exposure(exposure.id())->revision(), revision);
  EXPECT_TRUE(absl::IsNotFound(store->exposure("none").status()));
}

TEST_P(StoreContract, ARepeatedExposureKeepsTheCamerasItDoesNotName) {
  v1::Exposure exposure;
  exposure.set_id("20261120-00000001");
  exposure.add_cameras()->set_camera("b0");
  exposure.add_cameras()->set_camera("r0");
  exposure.mutable_cameras(1)->set_job_id("old");
  ASSERT_TRUE(store->commit({PutExposure{exposure}}, {}).ok());
  exposure.clear_cameras();
  exposure.add_cameras()->set_camera("r0");
  exposure.mutable_cameras(0)->set_job_id("new");
  ASSERT_TRUE(store->commit({PutExposure{exposure}}, {}).ok());
  const v1::Exposure found = *store->exposure(exposure.id());
  ASSERT_EQ(found.cameras_size(), 2);
  EXPECT_EQ(found.cameras(1).job_id(), "new");
}

TEST_P(StoreContract, ExposuresListByNightNewestFirst) {
  for (const int night : {20261119, 20261120, 20261120}) {
    v1::Exposure exposure;
    exposure.set_id(absl::StrCat("e", ++revision));
    exposure.set_night(night);
    ASSERT_TRUE(store->commit({PutExposure{exposure}}, {}).ok());
  }
  const ExposurePage page = *store->exposures({.night = 20261120, .page_size = 1});
  EXPECT_EQ(page.exposures.at(0).id(), "e3");
  const ExposurePage next =
      *store->exposures({.night = 20261120, .page_size = 1, .page_token = page.next_page_token});
  EXPECT_EQ(next.exposures.at(0).id(), "e2");
  EXPECT_EQ(next.next_page_token, "");
  EXPECT_EQ(store->exposures({})->exposures.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(
    Each, StoreContract,
    ::testing::Values(
        StoreKind{.name = "Sqlite",
                  .open =
                      [](const std::string& folder) {
                        auto store = open_sqlite_job_store(folder);
                        EXPECT_TRUE(store.ok()) << store.status();
                        return std::move(*store);
                      }},
        StoreKind{.name = "Memory",
                  .open = [](const std::string&) { return std::make_unique<MemoryJobStore>(); },
                  .survives_reopening = false}),
    [](const auto& param) { return param.param.name; });

class SqliteStore : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Sqlite, SqliteStore,
                         ::testing::Values(StoreKind{
                             .name = "Sqlite", .open = [](const std::string& folder) {
                               return std::move(*open_sqlite_job_store(folder));
                             }}));

TEST_P(SqliteStore, ASecondSchedulerOnTheFolderIsRefused) {
  const auto second = open_sqlite_job_store(folder);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_EQ(reason_of(second.status()), "STATE_IN_USE");
}

TEST_P(SqliteStore, AFileOfANewerSchemaIsRefused) {
  store.reset();
  (*Connection::open(absl::StrCat(folder, "/unfold.db"), Connection::Mode::kReadWrite))
      ->execute("PRAGMA user_version=99")
      .IgnoreError();
  const auto newer = open_sqlite_job_store(folder);
  EXPECT_EQ(reason_of(newer.status()), "STORE_TOO_NEW");
  EXPECT_THAT(std::string(newer.status().message()), HasSubstr("99"));
}

TEST_P(SqliteStore, AMissingFolderIsNamedWithTheRemedy) {
  const auto missing = open_sqlite_job_store(absl::StrCat(folder, "/none"));
  EXPECT_TRUE(absl::IsFailedPrecondition(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("choose another --dir"));
}

TEST_P(SqliteStore, ACommitThatTheDiskRefusesLeavesTheStoreUnchanged) {
  put(make_job("a"));
  store.reset();
  const std::string path = absl::StrCat(folder, "/unfold.db");
  auto connection = std::move(*Connection::open(path, Connection::Mode::kReadWrite));
  // The store's own limit stands in for a full disk: SQLite reports both as SQLITE_FULL.
  ASSERT_TRUE(connection->execute("PRAGMA max_page_count=1").ok());
  const absl::Status full = connection->execute(
      "BEGIN; INSERT INTO drains VALUES ('w'); CREATE TABLE filler (x BLOB);"
      "INSERT INTO filler VALUES (zeroblob(10000000)); COMMIT");
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_EQ(reason_of(full), "STORE_FULL");
  connection.reset();
  store = GetParam().open(folder);
  EXPECT_TRUE(store->load()->draining_workers.empty());
  EXPECT_TRUE(store->get("a").ok());
}

TEST(StateFileSystem, NetworkFileSystemsAreRefusedWithTheRemedy) {
  for (const long type : {0x6969L, 0x0BD00BD0L, 0x47504653L, 0xFF534D42L, 0xFE534D42L}) {
    const absl::Status status = check_state_file_system(type, "/state");
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("local disk"));
  }
  EXPECT_TRUE(check_state_file_system(0xEF53, "/state").ok());
}

}  // namespace
}  // namespace unfold::server
