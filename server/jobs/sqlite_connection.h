#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::server {

/// A prepared statement on loan from its Connection: reset when it goes out of scope. Parameters
/// are numbered from 1, columns from 0. A bad bind shows in row() or run().
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);

  absl::StatusOr<bool> row();  ///< true while there is a row to read
  absl::Status run();          ///< to the end, rows dropped; then ready for other parameters

  std::int64_t integer(int column) const;
  std::string text(int column) const;  ///< or a blob's bytes

 private:
  sqlite3_stmt* statement_;
  int bind_result_ = SQLITE_OK;
};

/// One SQLite connection and its cache of prepared statements. One thread at a time. Errors are
/// Unavailable (reason STORE_IO), ResourceExhausted (STORE_FULL) or Internal (STORE_ERROR).
class Connection {
 public:
  enum class Mode { kReadOnly, kReadWrite };
  static absl::StatusOr<std::unique_ptr<Connection>> open(const std::string& path, Mode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  absl::StatusOr<Statement> prepare(const std::string& sql);
  absl::Status execute(const std::string& script);

 private:
  explicit Connection(sqlite3* database) : database_(database) {}

  sqlite3* database_;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

}  // namespace unfold::server
