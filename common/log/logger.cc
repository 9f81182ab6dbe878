#include "common/log/logger.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace unfold::log {
namespace {

std::shared_ptr<spdlog::logger> standard_error() {
  auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("unfold", std::move(sink));
  logger->set_pattern("%^%v%$");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

absl::StatusOr<Level> parse_level(std::string_view name) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (level_name(level) == name) return level;
  }
  return unfold::error({.code = absl::StatusCode::kInvalidArgument,
                        .reason = "BAD_SETTING",
                        .field = "log-level",
                        .what = absl::StrCat("unknown log level \"", std::string(name), "\""),
                        .why = "",
                        .remedy = "use debug, info, warning or error"});
}

Logger::Logger(Level level, Format format, const Clock& clock)
    : clock_(clock),
      level_(level),
      json_(format == Format::kJson || (format == Format::kAuto && isatty(STDERR_FILENO) == 0)),
      out_(standard_error()) {}

Logger::~Logger() = default;

void Logger::log(Level level, std::string_view message, Fields fields) const {
  if (!enabled(level)) return;
  const std::int64_t now = clock_.now().unix_ns;
  const std::string line =
      json_ ? json_line(now, level, message, fields) : text_line(now, level, message, fields);
  out_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void Logger::debug(std::string_view message, Fields fields) const {
  log(Level::kDebug, message, fields);
}
void Logger::info(std::string_view message, Fields fields) const {
  log(Level::kInfo, message, fields);
}
void Logger::warning(std::string_view message, Fields fields) const {
  log(Level::kWarning, message, fields);
}
void Logger::error(std::string_view message, Fields fields) const {
  log(Level::kError, message, fields);
}

}  // namespace unfold::log
