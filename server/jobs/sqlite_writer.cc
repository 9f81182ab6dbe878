#include "server/jobs/sqlite_writer.h"

#include <algorithm>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/jobs/exposure_view.h"
#include "server/jobs/job_filter.h"
#include "server/jobs/sabotage.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::server {
namespace {

struct Writer {
  Connection& db;
  WriteSummary& summary;

  absl::Status operator()(const PutJob& put) const {
    const v1::Job& job = put.job;
    summary.revision = std::max(summary.revision, job.revision());
    ++summary.counts[{job.engine(), job.state()}];
    {
      UNFOLD_ASSIGN_OR_RETURN(Statement old, db.prepare("SELECT seq,state FROM jobs WHERE id=?"));
      UNFOLD_ASSIGN_OR_RETURN(const bool known, old.bind(1, job.id()).row());
      if (known) {
        --summary.counts[{job.engine(), static_cast<v1::JobState>(old.integer(1))}];
        return update(job, old.integer(0));
      }
    }
    UNFOLD_RETURN_IF_ERROR(insert(job));
    return insert_labels(job);
  }

  absl::Status update(const v1::Job& job, std::int64_t seq) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("UPDATE jobs SET revision=?2,state=?3,job=?4 WHERE seq=?1"));
    row.bind(1, seq).bind(2, job.revision()).bind(3, std::int64_t{job.state()});
    return row.bind_blob(4, job.SerializeAsString()).run();
  }

  absl::Status insert(const v1::Job& job) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("INSERT INTO jobs (id,revision,state,engine,exposure,camera,"
                                       "submitter,job) VALUES (?,?,?,?,?,?,?,?)"));
    row.bind(1, job.id()).bind(2, job.revision()).bind(3, std::int64_t{job.state()});
    row.bind(4, job.engine()).bind(5, job.exposure()).bind(6, camera_of(job));
    return row.bind(7, job.submitter()).bind_blob(8, job.SerializeAsString()).run();
  }

  absl::Status insert_labels(const v1::Job& job) const {
    for (const auto& [key, value] : job.spec().labels()) {
      UNFOLD_ASSIGN_OR_RETURN(Statement row,
                              db.prepare("INSERT INTO labels SELECT ?,?,seq FROM jobs WHERE id=?"));
      UNFOLD_RETURN_IF_ERROR(row.bind(1, key).bind(2, value).bind(3, job.id()).run());
    }
    return absl::OkStatus();
  }

  absl::Status operator()(const PutRequest& put) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("INSERT OR REPLACE INTO requests VALUES (?,?,?,?,?)"));
    row.bind(1, put.caller).bind(2, put.request_id).bind(3, put.digest);
    UNFOLD_RETURN_IF_ERROR(row.bind(4, put.job_id).bind(5, put.unix_ns).run());
    UNFOLD_ASSIGN_OR_RETURN(Statement old, db.prepare("DELETE FROM requests WHERE unix_ns<?"));
    return old.bind(1, put.unix_ns - kRequestMemoryNs).run();
  }

  absl::Status operator()(const PutExposure& put) const {
    v1::Exposure exposure = put.exposure;
    {
      UNFOLD_ASSIGN_OR_RETURN(Statement row,
                              db.prepare("SELECT exposure FROM exposures WHERE id=?"));
      UNFOLD_ASSIGN_OR_RETURN(const bool known, row.bind(1, exposure.id()).row());
      v1::Exposure older;
      if (known && older.ParseFromString(row.text(0))) exposure = merged(older, exposure);
    }
    UNFOLD_ASSIGN_OR_RETURN(
        Statement row, db.prepare("INSERT INTO exposures (id,night,exposure) VALUES (?,?,?) "
                                  "ON CONFLICT (id) DO UPDATE SET exposure=excluded.exposure"));
    row.bind(1, exposure.id()).bind(2, std::int64_t{exposure.night()});
    return row.bind_blob(3, exposure.SerializeAsString()).run();
  }

  absl::Status operator()(const PutLease& put) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("INSERT OR REPLACE INTO leases VALUES (?,?,?,?,?,?,?)"));
    const LeaseRow& lease = put.lease;
    row.bind(1, lease.job_id).bind(2, lease.lease_id).bind(3, lease.worker);
    row.bind(4, lease.incarnation).bind(5, lease.fence).bind(6, std::int64_t{lease.attempt});
    return row.bind(7, std::int64_t{lease.prefetch ? 1 : 0}).run();
  }

  absl::Status operator()(const DropLease& drop) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row, db.prepare("DELETE FROM leases WHERE job_id=?"));
    return row.bind(1, drop.job_id).run();
  }

  absl::Status operator()(const PutIntent& put) const {
    UNFOLD_RETURN_IF_ERROR(check_fence(put.intent));
    v1::RecordedIntent recorded;
    recorded.set_fence(put.intent.fence);
    recorded.mutable_outputs()->Assign(put.intent.outputs.begin(), put.intent.outputs.end());
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("INSERT OR REPLACE INTO intents VALUES (?,?,?)"));
    row.bind(1, put.intent.job_id).bind(2, put.intent.fence);
    return row.bind_blob(3, recorded.SerializeAsString()).run();
  }

  absl::Status check_fence(const IntentRow& intent) const {
    if constexpr (sabotage::kSkipFenceCheck) return absl::OkStatus();
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("SELECT 1 FROM leases WHERE job_id=? AND fence=?"));
    UNFOLD_ASSIGN_OR_RETURN(const bool holds,
                            row.bind(1, intent.job_id).bind(2, intent.fence).row());
    return holds ? absl::OkStatus() : fenced_off(intent);
  }

  absl::Status operator()(const PutFence& put) const { return put_meta("fence", put.fence); }

  absl::Status operator()(const PutDrain& put) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare(put.draining ? "INSERT OR REPLACE INTO drains VALUES (?)"
                                                    : "DELETE FROM drains WHERE worker=?"));
    return row.bind(1, put.worker).run();
  }

  absl::Status put_meta(const std::string& key, std::int64_t value) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row, db.prepare("UPDATE meta SET value=? WHERE key=?"));
    return row.bind(1, value).bind(2, key).run();
  }

  absl::Status put_event(const JobEvent& event) const {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            db.prepare("INSERT INTO events (job_id,unix_ns,level,message,attempt,"
                                       "worker) VALUES (?,?,?,?,?,?)"));
    row.bind(1, event.job_id).bind(2, event.unix_ns).bind(3, event.level).bind(4, event.message);
    return row.bind(5, std::int64_t{event.attempt}).bind(6, event.worker).run();
  }
};

}  // namespace

absl::Status write_all(Connection& writer, const std::vector<StoreWrite>& writes,
                       const std::vector<JobEvent>& events, WriteSummary& summary) {
  const Writer write{writer, summary};
  for (const StoreWrite& one : writes) UNFOLD_RETURN_IF_ERROR(std::visit(write, one));
  for (const JobEvent& event : events) UNFOLD_RETURN_IF_ERROR(write.put_event(event));
  if (summary.revision > 0) return write.put_meta("revision", summary.revision);
  return absl::OkStatus();
}

}  // namespace unfold::server
