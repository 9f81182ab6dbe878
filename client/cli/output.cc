#include "client/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/proto_json.h"
#include "client/cli/terminal.h"
#include "client/cli/text_width.h"

namespace unfold::cli {
namespace {

constexpr int kIndent = 2;

int table_width() {
  const Terminal terminal = look_at_terminal(STDOUT_FILENO);
  return terminal.is_terminal ? terminal.columns : 0;
}

}  // namespace

void emit_one(Session& session, const google::protobuf::Message& message, const Table& row,
              const std::string& sheet) {
  switch (session.format) {
    case OutputFormat::kJson:
      session.out << to_json(message).dump(kIndent) << "\n";
      break;
    case OutputFormat::kJsonl:
      session.out << to_json(message).dump() << "\n";
      break;
    case OutputFormat::kCsv:
      session.out << render_csv(row);
      break;
    case OutputFormat::kTable:
      session.out << sheet;
      break;
  }
  session.out.flush();
}

void emit_list(Session& session, const std::string& name,
               const std::vector<const google::protobuf::Message*>& messages, const Table& table) {
  switch (session.format) {
    case OutputFormat::kJson: {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const auto* message : messages) list.push_back(to_json(*message));
      session.out << nlohmann::ordered_json{{name, list}}.dump(kIndent) << "\n";
      break;
    }
    case OutputFormat::kJsonl:
      for (const auto* message : messages) session.out << to_json(*message).dump() << "\n";
      break;
    case OutputFormat::kCsv:
      session.out << render_csv(table);
      break;
    case OutputFormat::kTable:
      session.out << render_table(table, table_width());
      break;
  }
  session.out.flush();
}

void emit_rows(Session& session, const std::string& name, const Table& table) {
  if (session.format == OutputFormat::kTable || session.format == OutputFormat::kCsv) {
    emit_list(session, name, {}, table);
    return;
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& row : table.rows) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < row.size(); ++i) object[table.columns[i].name] = row[i].data;
    list.push_back(std::move(object));
  }
  if (session.format == OutputFormat::kJson) {
    session.out << nlohmann::ordered_json{{name, list}}.dump(kIndent) << "\n";
  } else {
    for (const auto& object : list) session.out << object.dump() << "\n";
  }
  session.out.flush();
}

void emit_object(Session& session, const nlohmann::ordered_json& object) {
  Table row;
  row.rows.emplace_back();
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [name, value] : object.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    row.columns.push_back({name});
    row.rows[0].emplace_back(text);
    entries.emplace_back(name, text);
  }
  switch (session.format) {
    case OutputFormat::kJson:
      session.out << object.dump(kIndent) << "\n";
      break;
    case OutputFormat::kJsonl:
      session.out << object.dump() << "\n";
      break;
    case OutputFormat::kCsv:
      session.out << render_csv(row);
      break;
    case OutputFormat::kTable:
      session.out << render_sheet(entries);
      break;
  }
  session.out.flush();
}

std::string render_sheet(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::size_t widest = 0;
  for (const auto& [name, value] : entries) {
    if (!value.empty()) widest = std::max(widest, name.size());
  }
  std::string out;
  for (const auto& [name, value] : entries) {
    if (value.empty()) continue;
    absl::StrAppend(&out, name, ":", std::string(widest - name.size() + 2, ' '), printable(value),
                    "\n");
  }
  return out;
}

}  // namespace unfold::cli
