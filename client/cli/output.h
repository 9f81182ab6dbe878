#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "client/cli/session.h"
#include "client/cli/table.h"

namespace unfold::cli {

/// Writes one message: as proto JSON, as `row` in CSV, or as `sheet` for people.
void emit_one(Session& session, const google::protobuf::Message& message, const Table& row,
              const std::string& sheet);

/// Writes several: {"NAME": [...]} in JSON, one object a line in JSONL, else the table.
void emit_list(Session& session, const std::string& name,
               const std::vector<const google::protobuf::Message*>& messages, const Table& table);

/// Rows that are no messages: in JSON, objects with the columns' names as keys.
void emit_rows(Session& session, const std::string& name, const Table& table);

/// One flat JSON object: as such, as a CSV line, or as a sheet.
void emit_object(Session& session, const nlohmann::ordered_json& object);

/// Pointers to the elements of a repeated field or vector, for emit_list().
template <class Range>
std::vector<const google::protobuf::Message*> pointers(const Range& range) {
  std::vector<const google::protobuf::Message*> out;
  for (const auto& message : range) out.push_back(&message);
  return out;
}

/// Lines "name:  value", values aligned; entries without a value are left out.
std::string render_sheet(const std::vector<std::pair<std::string, std::string>>& entries);

}  // namespace unfold::cli
