#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/log/logger.h"

namespace unfold::log {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

std::string rfc3339(std::int64_t unix_ns) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", absl::FromUnixNanos(unix_ns),
                          absl::UTCTimeZone());
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// Control bytes are escaped; bytes that are not UTF-8 are replaced, so that a line always parses.
void append_json_text(std::string_view text, std::string* out) {
  out->push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t length = utf8_length(text, at);
    if (c == '"' || c == '\\') {
      absl::StrAppend(out, "\\", absl::string_view(&c, 1));
    } else if (c == '\n') {
      absl::StrAppend(out, "\\n");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(out, "\\u%04x", static_cast<int>(c));
    } else if (length == 0) {
      absl::StrAppend(out, "\\ufffd");
    } else {
      absl::StrAppend(out, as_absl(text.substr(at, length)));
    }
    at += std::max<std::size_t>(length, 1);
  }
  out->push_back('"');
}

bool is_empty(const Field& field) {
  const auto* text = std::get_if<std::string_view>(&field.value);
  return text != nullptr && text->empty();
}

void append_json_value(const Field& field, std::string* out) {
  std::visit(Overloaded{
                 [&](std::string_view text) { append_json_text(text, out); },
                 [&](std::int64_t number) { absl::StrAppend(out, number); },
                 [&](double number) {
                   absl::StrAppend(out, std::isfinite(number) ? absl::StrCat(number) : "null");
                 },
                 [&](bool flag) { absl::StrAppend(out, flag ? "true" : "false"); },
             },
             field.value);
}

}  // namespace

std::string_view level_name(Level level) {
  constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string json_line(std::int64_t unix_ns, Level level, std::string_view message, Fields fields) {
  std::string line = absl::StrCat("{\"ts\":\"", rfc3339(unix_ns), "\",\"level\":\"",
                                  as_absl(level_name(level)), "\",\"msg\":");
  append_json_text(message, &line);
  for (const Field& field : fields) {
    if (is_empty(field)) continue;
    line.push_back(',');
    append_json_text(field.key, &line);
    line.push_back(':');
    append_json_value(field, &line);
  }
  line.push_back('}');
  return line;
}

std::string text_line(std::int64_t unix_ns, Level level, std::string_view message, Fields fields) {
  const std::string time =
      absl::FormatTime("%H:%M:%E3S", absl::FromUnixNanos(unix_ns), absl::LocalTimeZone());
  std::string line =
      absl::StrFormat("%s %-7s %s", time, as_absl(level_name(level)), as_absl(message));
  for (const Field& field : fields) {
    if (is_empty(field)) continue;
    absl::StrAppend(&line, " ", as_absl(field.key), "=");
    append_json_value(field, &line);
  }
  return line;
}

}  // namespace unfold::log
