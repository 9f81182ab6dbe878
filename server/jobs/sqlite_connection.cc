#include "server/jobs/sqlite_connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace unfold::server {
namespace {

absl::Status sqlite_error(sqlite3* database, int code) {
  const std::string why = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return error({.code = absl::StatusCode::kResourceExhausted,
                    .reason = "STORE_FULL",
                    .field = "",
                    .what = "cannot write the state database",
                    .why = why,
                    .remedy = "free space on the state folder's file system"});
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return error({.code = absl::StatusCode::kUnavailable,
                    .reason = "STORE_IO",
                    .field = "",
                    .what = "cannot use the state database",
                    .why = why,
                    .remedy = "check the state folder's file system and permissions"});
    default:
      return error({.code = absl::StatusCode::kInternal,
                    .reason = "STORE_ERROR",
                    .field = "",
                    .what = "the state database failed",
                    .why = why,
                    .remedy = ""});
  }
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), bind_result_(other.bind_result_) {}

Statement::~Statement() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  bind_result_ |= sqlite3_bind_int64(statement_, index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  bind_result_ |= sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                                    SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  // A null pointer would bind NULL rather than an empty blob.
  const char* data = bytes.empty() ? "" : bytes.data();
  bind_result_ |=
      sqlite3_bind_blob(statement_, index, data, static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  return *this;
}

absl::StatusOr<bool> Statement::row() {
  if (bind_result_ != SQLITE_OK) return sqlite_error(nullptr, bind_result_);
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(statement_), result);
}

absl::Status Statement::run() {
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = row();
  sqlite3_reset(statement_);
  return more.status();
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr
             ? std::string()
             : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode) {
  const int flags =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Connection> connection(new Connection(database));
  if (result != SQLITE_OK) return sqlite_error(database, result);
  sqlite3_busy_timeout(database, 5000);
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

absl::StatusOr<Statement> Connection::prepare(const std::string& sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    return Statement(found->second);
  }
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(database_, sql.c_str(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return sqlite_error(database_, result);
  statements_.emplace(sql, statement);
  return Statement(statement);
}

absl::Status Connection::execute(const std::string& script) {
  const int result = sqlite3_exec(database_, script.c_str(), nullptr, nullptr, nullptr);
  return result == SQLITE_OK ? absl::OkStatus() : sqlite_error(database_, result);
}

}  // namespace unfold::server
