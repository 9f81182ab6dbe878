#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "server/jobs/job_store.h"

namespace unfold::server {

/// How a contract test makes a store, and opens the same one again.
struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<JobStore>(const std::string& folder)> open;
  bool survives_reopening = true;
};

/// The contract of JobStore: instantiate it for each implementation.
class StoreContract : public ::testing::TestWithParam<StoreKind> {
 protected:
  StoreContract() {
    std::string pattern = (std::filesystem::temp_directory_path() / "unfold-store-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    store = GetParam().open(folder);
  }
  ~StoreContract() override {
    store.reset();
    std::filesystem::remove_all(folder);
  }

  void reopen() {
    if (!GetParam().survives_reopening) return;
    store.reset();
    store = GetParam().open(folder);
  }

  v1::Job make_job(const std::string& id, v1::JobState state = v1::JOB_STATE_QUEUED) {
    v1::Job job;
    job.set_id(id);
    job.set_state(state);
    job.set_engine("extraction");
    job.set_submitter("ana");
    job.set_revision(++revision);
    job.mutable_spec()->mutable_extraction()->set_camera("r0");
    return job;
  }
  void put(const v1::Job& job) { ASSERT_TRUE(store->commit({PutJob{job}}, {}).ok()); }
  std::string ids(const std::string& filter) {
    const auto page = store->list({.filter = filter});
    EXPECT_TRUE(page.ok()) << page.status();
    std::string out;
    if (page.ok()) {
      for (const v1::Job& job : page->jobs) out += job.id() + " ";
    }
    return out;
  }

  std::string folder;
  std::unique_ptr<JobStore> store;
  std::int64_t revision = 0;
};

}  // namespace unfold::server
