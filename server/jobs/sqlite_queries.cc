#include "server/jobs/sqlite_queries.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/jobs/exposure_view.h"
#include "server/jobs/job_filter.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::server {
namespace {

template <class Message>
absl::Status parse(const Statement& row, int column, Message& message) {
  if (message.ParseFromString(row.text(column))) return absl::OkStatus();
  return error({.code = absl::StatusCode::kInternal,
                .reason = "STORE_CORRUPT",
                .field = "",
                .what = "a record of the state database cannot be read",
                .why = "",
                .remedy = "restore the state folder from a backup"});
}

/// The WHERE clause of a filter, and its text parameters in order.
struct Where {
  std::vector<std::string> terms;
  std::vector<std::string> texts;

  void equals(const std::string& column, const std::optional<std::string>& value) {
    if (!value) return;
    terms.push_back(absl::StrCat(column, "=?"));
    texts.push_back(*value);
  }
};

Where where_of(const JobFilter& filter) {
  Where where;
  if (filter.state) where.terms.push_back(absl::StrCat("state=", *filter.state));
  if (filter.active) where.terms.emplace_back(*filter.active ? "state<5" : "state>=5");
  where.equals("engine", filter.engine);
  where.equals("submitter", filter.submitter);
  // The partial indexes leave out the empty name; say that it is not asked for.
  if (filter.exposure && !filter.exposure->empty()) where.terms.emplace_back("exposure<>''");
  where.equals("exposure", filter.exposure);
  if (filter.camera && !filter.camera->empty()) where.terms.emplace_back("camera<>''");
  where.equals("camera", filter.camera);
  for (const auto& [key, value] : filter.labels) {
    where.terms.emplace_back("seq IN (SELECT seq FROM labels WHERE key=? AND value=?)");
    where.texts.push_back(key);
    where.texts.push_back(value);
  }
  return where;
}

absl::Status fill_cameras(Connection& connection, v1::Exposure& exposure) {
  UNFOLD_ASSIGN_OR_RETURN(Statement jobs,
                          connection.prepare("SELECT job FROM jobs WHERE exposure=? AND "
                                             "exposure<>''"));
  jobs.bind(1, exposure.id());
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, jobs.row());
    if (!more) break;
    v1::Job job;
    UNFOLD_RETURN_IF_ERROR(parse(jobs, 0, job));
    show_job(exposure, job);
  }
  show_done(exposure);
  return absl::OkStatus();
}

absl::Status load_jobs(Connection& connection, Snapshot& snapshot) {
  UNFOLD_ASSIGN_OR_RETURN(Statement jobs,
                          connection.prepare("SELECT job FROM jobs WHERE state<5 ORDER BY seq"));
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, jobs.row());
    if (!more) return absl::OkStatus();
    UNFOLD_RETURN_IF_ERROR(parse(jobs, 0, snapshot.live_jobs.emplace_back()));
  }
}

absl::Status load_leases(Connection& connection, Snapshot& snapshot) {
  UNFOLD_ASSIGN_OR_RETURN(Statement row,
                          connection.prepare("SELECT job_id,lease_id,worker,incarnation,fence,"
                                             "attempt,prefetch FROM leases"));
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) return absl::OkStatus();
    snapshot.leases.push_back({.job_id = row.text(0),
                               .lease_id = row.text(1),
                               .worker = row.text(2),
                               .incarnation = row.text(3),
                               .fence = row.integer(4),
                               .attempt = static_cast<std::int32_t>(row.integer(5)),
                               .prefetch = row.integer(6) != 0});
  }
}

absl::StatusOr<std::vector<IntentRow>> read_intents(Statement row) {
  std::vector<IntentRow> intents;
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) return intents;
    v1::RecordedIntent recorded;
    UNFOLD_RETURN_IF_ERROR(parse(row, 2, recorded));
    intents.push_back({.job_id = row.text(0),
                       .fence = row.integer(1),
                       .outputs = {recorded.outputs().begin(), recorded.outputs().end()}});
  }
}

absl::Status load_rest(Connection& connection, Snapshot& snapshot) {
  UNFOLD_ASSIGN_OR_RETURN(Statement intents,
                          connection.prepare("SELECT job_id,fence,intent FROM intents JOIN jobs ON "
                                             "jobs.id=job_id WHERE state<5"));
  UNFOLD_ASSIGN_OR_RETURN(snapshot.intents, read_intents(std::move(intents)));
  UNFOLD_ASSIGN_OR_RETURN(Statement requests,
                          connection.prepare("SELECT caller,request_id,digest,job_id,unix_ns FROM "
                                             "requests ORDER BY unix_ns"));
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, requests.row());
    if (!more) break;
    snapshot.requests.push_back({.caller = requests.text(0),
                                 .request_id = requests.text(1),
                                 .digest = requests.text(2),
                                 .job_id = requests.text(3),
                                 .unix_ns = requests.integer(4)});
  }
  UNFOLD_ASSIGN_OR_RETURN(Statement drains, connection.prepare("SELECT worker FROM drains"));
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, drains.row());
    if (!more) break;
    snapshot.draining_workers.push_back(drains.text(0));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Job> select_job(Connection& connection, const std::string& id) {
  UNFOLD_ASSIGN_OR_RETURN(Statement row, connection.prepare("SELECT job FROM jobs WHERE id=?"));
  UNFOLD_ASSIGN_OR_RETURN(const bool found, row.bind(1, id).row());
  if (!found) return no_such("job", id);
  v1::Job job;
  UNFOLD_RETURN_IF_ERROR(parse(row, 0, job));
  return job;
}

absl::StatusOr<JobPage> select_page(Connection& connection, const JobQuery& query,
                                    const JobCounts& counts) {
  UNFOLD_ASSIGN_OR_RETURN(const JobFilter filter, parse_job_filter(query.filter));
  UNFOLD_ASSIGN_OR_RETURN(const int size, checked_page_size(query.page_size));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t before,
                          parse_page_token(query.page_token, "jobs:" + query.filter));
  JobPage page;
  page.total = total_of(filter, counts);
  UNFOLD_ASSIGN_OR_RETURN(page.revision, select_meta(connection, "revision"));
  const Where where = where_of(filter);
  const std::string terms =
      where.terms.empty() ? "" : absl::StrCat(" AND ", absl::StrJoin(where.terms, " AND "));
  UNFOLD_ASSIGN_OR_RETURN(
      Statement row, connection.prepare(absl::StrCat("SELECT seq,job FROM jobs WHERE seq<?", terms,
                                                     " ORDER BY seq DESC LIMIT ?")));
  int parameter = 1;
  row.bind(parameter++, before);
  for (const std::string& text : where.texts) row.bind(parameter++, text);
  row.bind(parameter, std::int64_t{size} + 1);
  std::int64_t last = 0;
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) return page;
    if (page.jobs.size() == static_cast<std::size_t>(size)) break;
    last = row.integer(0);
    UNFOLD_RETURN_IF_ERROR(parse(row, 1, page.jobs.emplace_back()));
  }
  page.next_page_token = make_page_token(last, "jobs:" + query.filter);
  return page;
}

absl::StatusOr<std::vector<v1::Job>> select_changes(Connection& connection,
                                                    const ChangeQuery& query) {
  std::string sql = "SELECT job FROM jobs WHERE revision>?";
  if (!query.job_id.empty()) sql += " AND id=?";
  if (!query.exposure.empty()) sql += " AND exposure=? AND exposure<>''";
  UNFOLD_ASSIGN_OR_RETURN(Statement row, connection.prepare(sql + " ORDER BY revision LIMIT ?"));
  int parameter = 1;
  row.bind(parameter++, query.from_revision);
  if (!query.job_id.empty()) row.bind(parameter++, query.job_id);
  if (!query.exposure.empty()) row.bind(parameter++, query.exposure);
  row.bind(parameter, std::int64_t{query.limit});
  std::vector<v1::Job> jobs;
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) return jobs;
    UNFOLD_RETURN_IF_ERROR(parse(row, 0, jobs.emplace_back()));
  }
}

absl::StatusOr<EventPage> select_events(Connection& connection, const std::string& job_id,
                                        std::int64_t offset, int limit) {
  UNFOLD_ASSIGN_OR_RETURN(
      Statement row,
      connection.prepare("SELECT seq,unix_ns,level,message,attempt,worker FROM events WHERE "
                         "job_id=? AND seq>=? ORDER BY seq LIMIT ?"));
  row.bind(1, job_id).bind(2, offset).bind(3, std::int64_t{limit});
  EventPage page{.events = {}, .next_offset = offset};
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) return page;
    page.next_offset = row.integer(0) + 1;
    page.events.push_back({.job_id = job_id,
                           .unix_ns = row.integer(1),
                           .level = row.text(2),
                           .message = row.text(3),
                           .attempt = static_cast<int>(row.integer(4)),
                           .worker = row.text(5)});
  }
}

absl::StatusOr<v1::Exposure> select_exposure(Connection& connection, const std::string& id) {
  v1::Exposure exposure;
  {
    UNFOLD_ASSIGN_OR_RETURN(Statement row,
                            connection.prepare("SELECT exposure FROM exposures WHERE id=?"));
    UNFOLD_ASSIGN_OR_RETURN(const bool found, row.bind(1, id).row());
    if (!found) return no_such("exposure", id);
    UNFOLD_RETURN_IF_ERROR(parse(row, 0, exposure));
  }
  UNFOLD_RETURN_IF_ERROR(fill_cameras(connection, exposure));
  return exposure;
}

absl::StatusOr<ExposurePage> select_exposures(Connection& connection, const ExposureQuery& query) {
  UNFOLD_ASSIGN_OR_RETURN(const int size, checked_page_size(query.page_size));
  const std::string listing = absl::StrCat("exposures:", query.night);
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t before, parse_page_token(query.page_token, listing));
  UNFOLD_ASSIGN_OR_RETURN(
      Statement row, connection.prepare(absl::StrCat("SELECT seq,exposure FROM exposures WHERE ",
                                                     query.night == 0 ? "?=0" : "night=?",
                                                     " AND seq<? ORDER BY seq DESC LIMIT ?")));
  row.bind(1, std::int64_t{query.night}).bind(2, before).bind(3, std::int64_t{size} + 1);
  ExposurePage page;
  std::int64_t last = 0;
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) break;
    if (page.exposures.size() == static_cast<std::size_t>(size)) {
      page.next_page_token = make_page_token(last, listing);
      break;
    }
    last = row.integer(0);
    UNFOLD_RETURN_IF_ERROR(parse(row, 1, page.exposures.emplace_back()));
  }
  for (v1::Exposure& exposure : page.exposures) {
    UNFOLD_RETURN_IF_ERROR(fill_cameras(connection, exposure));
  }
  return page;
}

absl::StatusOr<std::vector<IntentRow>> select_intents(Connection& connection,
                                                      const std::string& job_id) {
  UNFOLD_ASSIGN_OR_RETURN(
      Statement row,
      connection.prepare("SELECT job_id,fence,intent FROM intents WHERE job_id=? ORDER BY fence"));
  row.bind(1, job_id);
  return read_intents(std::move(row));
}

absl::StatusOr<Snapshot> select_snapshot(Connection& connection) {
  Snapshot snapshot;
  UNFOLD_RETURN_IF_ERROR(load_jobs(connection, snapshot));
  UNFOLD_RETURN_IF_ERROR(load_leases(connection, snapshot));
  UNFOLD_RETURN_IF_ERROR(load_rest(connection, snapshot));
  UNFOLD_ASSIGN_OR_RETURN(snapshot.last_fence, select_meta(connection, "fence"));
  UNFOLD_ASSIGN_OR_RETURN(snapshot.last_revision, select_meta(connection, "revision"));
  return snapshot;
}

absl::StatusOr<JobCounts> select_counts(Connection& connection) {
  UNFOLD_ASSIGN_OR_RETURN(
      Statement row,
      connection.prepare("SELECT engine,state,count(*) FROM jobs GROUP BY engine,state"));
  JobCounts counts;
  while (true) {
    UNFOLD_ASSIGN_OR_RETURN(const bool more, row.row());
    if (!more) return counts;
    counts[{row.text(0), static_cast<v1::JobState>(row.integer(1))}] = row.integer(2);
  }
}

absl::StatusOr<std::int64_t> select_meta(Connection& connection, const std::string& key) {
  UNFOLD_ASSIGN_OR_RETURN(Statement row, connection.prepare("SELECT value FROM meta WHERE key=?"));
  UNFOLD_ASSIGN_OR_RETURN([[maybe_unused]] const bool found, row.bind(1, key).row());
  return row.integer(0);
}

}  // namespace unfold::server
