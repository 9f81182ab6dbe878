#include "server/jobs/memory_job_store.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "server/jobs/exposure_view.h"
#include "server/jobs/job_filter.h"
#include "server/jobs/life_cycle.h"
#include "server/jobs/sabotage.h"

namespace unfold::server {

struct MemoryJobStore::Put {
  MemoryJobStore& store;

  void operator()(const PutJob& put) const {
    auto [job, is_new] = store.jobs_.try_emplace(put.job.id());
    if (is_new) {
      store.order_.push_back(put.job.id());
    } else {
      --store.counts_[{job->second.engine(), job->second.state()}];
    }
    job->second = put.job;
    ++store.counts_[{put.job.engine(), put.job.state()}];
    store.revision_ = std::max(store.revision_, put.job.revision());
  }
  void operator()(const PutRequest& put) const {
    store.requests_[{put.caller, put.request_id}] = put;
    std::erase_if(store.requests_, [&](const auto& entry) {
      return entry.second.unix_ns < put.unix_ns - kRequestMemoryNs;
    });
  }
  void operator()(const PutExposure& put) const {
    const auto known = std::find_if(store.exposures_.begin(), store.exposures_.end(),
                                    [&](const auto& e) { return e.first == put.exposure.id(); });
    if (known == store.exposures_.end()) {
      store.exposures_.emplace_back(put.exposure.id(), put.exposure);
    } else {
      known->second = merged(known->second, put.exposure);
    }
  }
  void operator()(const PutLease& put) const { store.leases_[put.lease.job_id] = put.lease; }
  void operator()(const DropLease& drop) const { store.leases_.erase(drop.job_id); }
  void operator()(const PutIntent& put) const {
    store.intents_[{put.intent.job_id, put.intent.fence}] = put.intent;
  }
  void operator()(const PutFence& put) const { store.fence_ = put.fence; }
  void operator()(const PutDrain& put) const {
    if (put.draining) {
      store.drains_.insert(put.worker);
    } else {
      store.drains_.erase(put.worker);
    }
  }
};

absl::Status MemoryJobStore::commit(const std::vector<StoreWrite>& writes,
                                    const std::vector<JobEvent>& events) {
  const std::lock_guard lock(mutex_);
  UNFOLD_RETURN_IF_ERROR(check_fences(writes));
  for (const StoreWrite& write : writes) std::visit(Put{*this}, write);
  events_.insert(events_.end(), events.begin(), events.end());
  return absl::OkStatus();
}

absl::Status MemoryJobStore::check_fences(const std::vector<StoreWrite>& writes) const {
  if constexpr (sabotage::kSkipFenceCheck) return absl::OkStatus();
  std::map<std::string, std::int64_t> changed;  // leases within this transaction, 0: dropped
  for (const StoreWrite& write : writes) {
    if (const auto* put = std::get_if<PutLease>(&write))
      changed[put->lease.job_id] = put->lease.fence;
    if (const auto* drop = std::get_if<DropLease>(&write)) changed[drop->job_id] = 0;
    const auto* intent = std::get_if<PutIntent>(&write);
    if (intent == nullptr) continue;
    const std::string& id = intent->intent.job_id;
    const auto held = leases_.find(id);
    const std::int64_t before = held == leases_.end() ? 0 : held->second.fence;
    const std::int64_t fence = changed.contains(id) ? changed.at(id) : before;
    if (fence != intent->intent.fence) return fenced_off(intent->intent);
  }
  return absl::OkStatus();
}

absl::StatusOr<Snapshot> MemoryJobStore::load() {
  const std::lock_guard lock(mutex_);
  Snapshot snapshot;
  for (const std::string& id : order_) {
    if (const v1::Job& job = jobs_.at(id); !is_final(job.state()))
      snapshot.live_jobs.push_back(job);
  }
  for (const auto& [id, lease] : leases_) snapshot.leases.push_back(lease);
  for (const auto& [key, intent] : intents_) {
    if (!is_final(jobs_.at(key.first).state())) snapshot.intents.push_back(intent);
  }
  for (const auto& [key, request] : requests_) snapshot.requests.push_back(request);
  std::stable_sort(snapshot.requests.begin(), snapshot.requests.end(),
                   [](const auto& a, const auto& b) { return a.unix_ns < b.unix_ns; });
  snapshot.draining_workers.assign(drains_.begin(), drains_.end());
  snapshot.last_fence = fence_;
  snapshot.last_revision = revision_;
  return snapshot;
}

absl::StatusOr<v1::Job> MemoryJobStore::get(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return no_such("job", id);
  return job->second;
}

absl::StatusOr<std::vector<IntentRow>> MemoryJobStore::intents(const std::string& job_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<IntentRow> found;
  for (const auto& [key, intent] : intents_) {
    if (key.first == job_id) found.push_back(intent);
  }
  return found;
}

absl::StatusOr<JobPage> MemoryJobStore::list(const JobQuery& query) const {
  UNFOLD_ASSIGN_OR_RETURN(const JobFilter filter, parse_job_filter(query.filter));
  UNFOLD_ASSIGN_OR_RETURN(const int size, checked_page_size(query.page_size));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t before,
                          parse_page_token(query.page_token, "jobs:" + query.filter));
  const std::lock_guard lock(mutex_);
  JobPage page{
      .jobs = {}, .next_page_token = "", .revision = revision_, .total = total_of(filter, counts_)};
  std::int64_t last = 0;
  for (auto seq = std::min<std::int64_t>(before, static_cast<std::int64_t>(order_.size())); seq > 0;
       --seq) {
    const v1::Job& job = jobs_.at(order_[static_cast<std::size_t>(seq - 1)]);
    if (!filter.matches(job)) continue;
    if (page.jobs.size() == static_cast<std::size_t>(size)) {
      page.next_page_token = make_page_token(last, "jobs:" + query.filter);
      break;
    }
    page.jobs.push_back(job);
    last = seq - 1;
  }
  return page;
}

absl::StatusOr<std::vector<v1::Job>> MemoryJobStore::changes(const ChangeQuery& query) const {
  const std::lock_guard lock(mutex_);
  std::vector<v1::Job> found;
  for (const auto& [id, job] : jobs_) {
    if (job.revision() <= query.from_revision) continue;
    if (!query.job_id.empty() && id != query.job_id) continue;
    if (!query.exposure.empty() && job.exposure() != query.exposure) continue;
    found.push_back(job);
  }
  std::sort(found.begin(), found.end(),
            [](const v1::Job& a, const v1::Job& b) { return a.revision() < b.revision(); });
  if (found.size() > static_cast<std::size_t>(query.limit)) {
    found.resize(static_cast<std::size_t>(query.limit));
  }
  return found;
}

absl::StatusOr<EventPage> MemoryJobStore::events(const std::string& job_id, std::int64_t offset,
                                                 int limit) const {
  const std::lock_guard lock(mutex_);
  EventPage page{.events = {}, .next_offset = offset};
  for (auto i = static_cast<std::size_t>(offset); i < events_.size(); ++i) {
    if (events_[i].job_id != job_id) continue;
    if (page.events.size() == static_cast<std::size_t>(limit)) break;
    page.events.push_back(events_[i]);
    page.next_offset = static_cast<std::int64_t>(i) + 1;
  }
  return page;
}

void MemoryJobStore::show_cameras(v1::Exposure& exposure) const {
  for (const auto& [id, job] : jobs_) {
    if (job.exposure() == exposure.id()) show_job(exposure, job);
  }
  show_done(exposure);
}

absl::StatusOr<v1::Exposure> MemoryJobStore::exposure(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [known, stored] : exposures_) {
    if (known != id) continue;
    v1::Exposure found = stored;
    show_cameras(found);
    return found;
  }
  return no_such("exposure", id);
}

absl::StatusOr<ExposurePage> MemoryJobStore::exposures(const ExposureQuery& query) const {
  UNFOLD_ASSIGN_OR_RETURN(const int size, checked_page_size(query.page_size));
  const std::string listing = absl::StrCat("exposures:", query.night);
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t before, parse_page_token(query.page_token, listing));
  const std::lock_guard lock(mutex_);
  ExposurePage page;
  std::int64_t last = 0;
  for (auto seq = std::min<std::int64_t>(before, static_cast<std::int64_t>(exposures_.size()));
       seq > 0; --seq) {
    const v1::Exposure& stored = exposures_[static_cast<std::size_t>(seq - 1)].second;
    if (query.night != 0 && stored.night() != query.night) continue;
    if (page.exposures.size() == static_cast<std::size_t>(size)) {
      page.next_page_token = make_page_token(last, listing);
      break;
    }
    page.exposures.push_back(stored);
    show_cameras(page.exposures.back());
    last = seq - 1;
  }
  return page;
}

JobCounts MemoryJobStore::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::int64_t MemoryJobStore::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

}  // namespace unfold::server
