#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "common/base/clock.h"

namespace spdlog {
class logger;
}

namespace unfold::log {

enum class Level { kDebug, kInfo, kWarning, kError };
/// "debug", "info", "warning", "error".
absl::StatusOr<Level> parse_level(std::string_view name);
std::string_view level_name(Level level);

/// One named value of a line. The usual keys: job, attempt, lease, worker, session, method, error.
struct Field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view key_in, std::string_view text) : key(key_in), value(text) {}
  Field(std::string_view key_in, const std::string& text)
      : key(key_in), value(std::string_view(text)) {}
  Field(std::string_view key_in, const char* text) : key(key_in), value(std::string_view(text)) {}
  Field(std::string_view key_in, std::int64_t number) : key(key_in), value(number) {}
  Field(std::string_view key_in, int number) : key(key_in), value(std::int64_t{number}) {}
  Field(std::string_view key_in, double number) : key(key_in), value(number) {}
  Field(std::string_view key_in, bool flag) : key(key_in), value(flag) {}
};
using Fields = std::initializer_list<Field>;

enum class Format { kAuto, kJson, kText };  ///< kAuto: text on a terminal, else JSON

/// One line per event on standard error: a JSON object (ts RFC 3339 with nanoseconds, level, msg,
/// then the fields that are not empty), or text for a person. Thread safe; lines never mix; nothing
/// is buffered, so that a killed process leaves all its lines.
class Logger {
 public:
  Logger(Level level, Format format, const Clock& clock);
  ~Logger();

  void debug(std::string_view message, Fields fields = {}) const;
  void info(std::string_view message, Fields fields = {}) const;
  void warning(std::string_view message, Fields fields = {}) const;
  void error(std::string_view message, Fields fields = {}) const;
  void log(Level level, std::string_view message, Fields fields = {}) const;

  bool enabled(Level level) const { return level >= level_; }

 private:
  const Clock& clock_;
  Level level_;
  bool json_;
  std::shared_ptr<spdlog::logger> out_;
};

/// The line that Logger writes, without its newline.
std::string json_line(std::int64_t unix_ns, Level level, std::string_view message, Fields fields);
std::string text_line(std::int64_t unix_ns, Level level, std::string_view message, Fields fields);

}  // namespace unfold::log
