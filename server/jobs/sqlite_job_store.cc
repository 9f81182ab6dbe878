#include "server/jobs/sqlite_job_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/jobs/sqlite_connection.h"
#include "server/jobs/sqlite_queries.h"
#include "server/jobs/sqlite_schema.h"
#include "server/jobs/sqlite_writer.h"

namespace unfold::server {
namespace {

/// An advisory lock on a file, held until destruction: one scheduler per state folder.
class FolderLock {
 public:
  explicit FolderLock(int fd) : fd_(fd) {}
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  int fd_;
};

absl::Status folder_error(absl::StatusCode code, const std::string& reason, const std::string& what,
                          const std::string& why, const std::string& remedy) {
  return error(
      {.code = code, .reason = reason, .field = "dir", .what = what, .why = why, .remedy = remedy});
}

absl::StatusOr<FolderLock> lock_folder(const std::string& folder) {
  const std::string path = folder + "/scheduler.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return folder_error(absl::StatusCode::kFailedPrecondition, "STATE_FOLDER",
                        absl::StrCat("cannot use the state folder ", folder), std::strerror(errno),
                        "make it, or allow this user to write there");
  }
  FolderLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return folder_error(absl::StatusCode::kFailedPrecondition, "STATE_IN_USE",
                        absl::StrCat("cannot use the state folder ", folder),
                        "another scheduler runs on it", "stop it, or choose another --dir");
  }
  return lock;
}

/// Connections for queries: made as needed, kept for the next.
class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}

  class Lent {
   public:
    Lent(ReaderPool& pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lent(Lent&&) noexcept = default;
    Lent& operator=(Lent&&) = delete;
    ~Lent() {
      if (connection_) pool_.give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }

   private:
    ReaderPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

  absl::StatusOr<Lent> borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        return Lent(*this, std::move(connection));
      }
    }
    UNFOLD_ASSIGN_OR_RETURN(auto connection, Connection::open(path_, Connection::Mode::kReadOnly));
    UNFOLD_RETURN_IF_ERROR(connection->execute("PRAGMA cache_size=-8192"));
    return Lent(*this, std::move(connection));
  }

 private:
  void give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_
};

class SqliteJobStore final : public JobStore {
 public:
  SqliteJobStore(FolderLock lock, std::unique_ptr<Connection> writer, const std::string& path,
                 JobCounts counts, std::int64_t revision)
      : lock_(std::move(lock)),
        writer_(std::move(writer)),
        readers_(path),
        counts_(std::move(counts)),
        revision_(revision) {}

  absl::Status commit(const std::vector<StoreWrite>& writes,
                      const std::vector<JobEvent>& events) override {
    if (writes.empty() && events.empty()) return absl::OkStatus();
    WriteSummary summary;
    UNFOLD_RETURN_IF_ERROR(writer_->execute("BEGIN IMMEDIATE"));
    absl::Status status = write_all(*writer_, writes, events, summary);
    if (status.ok()) status = writer_->execute("COMMIT");
    if (!status.ok()) {
      writer_->execute("ROLLBACK").IgnoreError();  // some errors have rolled back already
      return status;
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [key, difference] : summary.counts) counts_[key] += difference;
    revision_ = std::max(revision_, summary.revision);
    return absl::OkStatus();
  }

  absl::StatusOr<Snapshot> load() override { return select_snapshot(*writer_); }

  absl::StatusOr<v1::Job> get(const std::string& id) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_job(*reader, id);
  }
  absl::StatusOr<std::vector<IntentRow>> intents(const std::string& job_id) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_intents(*reader, job_id);
  }
  absl::StatusOr<JobPage> list(const JobQuery& query) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_page(*reader, query, counts());
  }
  absl::StatusOr<std::vector<v1::Job>> changes(const ChangeQuery& query) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_changes(*reader, query);
  }
  absl::StatusOr<EventPage> events(const std::string& job_id, std::int64_t offset,
                                   int limit) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_events(*reader, job_id, offset, limit);
  }
  absl::StatusOr<v1::Exposure> exposure(const std::string& id) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_exposure(*reader, id);
  }
  absl::StatusOr<ExposurePage> exposures(const ExposureQuery& query) const override {
    UNFOLD_ASSIGN_OR_RETURN(const auto reader, readers_.borrow());
    return select_exposures(*reader, query);
  }
  JobCounts counts() const override {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  std::int64_t revision() const override {
    const std::lock_guard lock(mutex_);
    return revision_;
  }

 private:
  FolderLock lock_;
  std::unique_ptr<Connection> writer_;
  mutable ReaderPool readers_;
  mutable std::mutex mutex_;
  JobCounts counts_;           // guarded by mutex_
  std::int64_t revision_ = 0;  // guarded by mutex_
};

struct NetworkFileSystem {
  long type;
  const char* name;
};
constexpr std::array<NetworkFileSystem, 6> kRefused = {{{0x6969, "NFS"},
                                                        {0x0BD00BD0, "Lustre"},
                                                        {0x47504653, "GPFS"},
                                                        {0xFF534D42, "CIFS"},
                                                        {0xFE534D42, "SMB"},
                                                        {0x517B, "SMB"}}};

}  // namespace

absl::Status check_state_file_system(long statfs_type, const std::string& folder) {
  const auto found = std::find_if(kRefused.begin(), kRefused.end(),
                                  [&](const auto& refused) { return refused.type == statfs_type; });
  if (found == kRefused.end()) return absl::OkStatus();
  return folder_error(
      absl::StatusCode::kFailedPrecondition, "STATE_ON_NETWORK",
      absl::StrCat("cannot keep state in ", folder),
      absl::StrCat("it is on ", found->name, ", whose locks and syncs a database cannot trust"),
      "choose a --dir on a local disk");
}

absl::StatusOr<std::unique_ptr<JobStore>> open_sqlite_job_store(const std::string& folder) {
  struct statfs file_system {};
  if (statfs(folder.c_str(), &file_system) != 0) {
    return folder_error(absl::StatusCode::kFailedPrecondition, "STATE_FOLDER",
                        absl::StrCat("cannot use the state folder ", folder), std::strerror(errno),
                        "make it, or choose another --dir");
  }
  UNFOLD_RETURN_IF_ERROR(check_state_file_system(file_system.f_type, folder));
  UNFOLD_ASSIGN_OR_RETURN(FolderLock lock, lock_folder(folder));
  const std::string path = folder + "/unfold.db";
  UNFOLD_ASSIGN_OR_RETURN(auto writer, Connection::open(path, Connection::Mode::kReadWrite));
  UNFOLD_RETURN_IF_ERROR(writer->execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
      "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;"));
  UNFOLD_RETURN_IF_ERROR(migrate(*writer));
  UNFOLD_ASSIGN_OR_RETURN(JobCounts counts, select_counts(*writer));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t revision, select_meta(*writer, "revision"));
  return std::make_unique<SqliteJobStore>(std::move(lock), std::move(writer), path,
                                          std::move(counts), revision);
}

}  // namespace unfold::server
