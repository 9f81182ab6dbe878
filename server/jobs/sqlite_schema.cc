#include "server/jobs/sqlite_schema.h"

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::server {
namespace {

// jobs.seq is the order of submission (listing, paging); state 5 and above is final.
constexpr std::array<const char*, 1> kMigrations = {R"sql(
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  revision INTEGER NOT NULL,
  state INTEGER NOT NULL,
  engine TEXT NOT NULL,
  exposure TEXT NOT NULL,
  camera TEXT NOT NULL,
  submitter TEXT NOT NULL,
  job BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_by_state ON jobs (state, seq);
CREATE INDEX jobs_by_engine ON jobs (engine, state, seq);
CREATE INDEX jobs_by_exposure ON jobs (exposure, seq) WHERE exposure <> '';
CREATE INDEX jobs_by_camera ON jobs (camera, seq) WHERE camera <> '';
CREATE INDEX jobs_by_submitter ON jobs (submitter, seq);
CREATE INDEX jobs_active ON jobs (seq) WHERE state < 5;

CREATE TABLE labels (
  key TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (key, value, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
  caller TEXT NOT NULL, request_id TEXT NOT NULL,
  digest TEXT NOT NULL, job_id TEXT NOT NULL, unix_ns INTEGER NOT NULL,
  PRIMARY KEY (caller, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (unix_ns);

CREATE TABLE exposures (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  night INTEGER NOT NULL,
  exposure BLOB NOT NULL
) STRICT;
CREATE INDEX exposures_by_night ON exposures (night, seq);

CREATE TABLE leases (
  job_id TEXT PRIMARY KEY, lease_id TEXT NOT NULL,
  worker TEXT NOT NULL, incarnation TEXT NOT NULL,
  fence INTEGER NOT NULL UNIQUE, attempt INTEGER NOT NULL, prefetch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE intents (
  job_id TEXT NOT NULL, fence INTEGER NOT NULL, intent BLOB NOT NULL,
  PRIMARY KEY (job_id, fence)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL, unix_ns INTEGER NOT NULL, level TEXT NOT NULL,
  message TEXT NOT NULL, attempt INTEGER NOT NULL, worker TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_job ON events (job_id, seq);

CREATE TABLE drains (worker TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('fence', 0), ('revision', 0);
)sql"};

absl::StatusOr<std::size_t> user_version(Connection& connection) {
  UNFOLD_ASSIGN_OR_RETURN(Statement statement, connection.prepare("PRAGMA user_version"));
  UNFOLD_ASSIGN_OR_RETURN([[maybe_unused]] const bool row, statement.row());
  return static_cast<std::size_t>(statement.integer(0));
}

}  // namespace

absl::Status migrate(Connection& writer) {
  UNFOLD_ASSIGN_OR_RETURN(const std::size_t version, user_version(writer));
  if (version > kMigrations.size()) {
    return error({.code = absl::StatusCode::kFailedPrecondition,
                  .reason = "STORE_TOO_NEW",
                  .field = "",
                  .what = absl::StrCat("the state database has schema version ", version),
                  .why = absl::StrCat("this build knows versions up to ", kMigrations.size()),
                  .remedy = "run the newer unfold, or restore a backup of the state folder"});
  }
  for (std::size_t next = version; next < kMigrations.size(); ++next) {
    UNFOLD_RETURN_IF_ERROR(writer.execute(absl::StrCat(
        "BEGIN IMMEDIATE;", kMigrations[next], "PRAGMA user_version=", next + 1, ";COMMIT;")));
  }
  return absl::OkStatus();
}

}  // namespace unfold::server
