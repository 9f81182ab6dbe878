#include "client/cli/proto_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace unfold::cli {
namespace {

namespace pb = google::protobuf;
using Json = nlohmann::ordered_json;

// JobState -> "JOB_STATE_"
std::string prefix_of(const pb::EnumDescriptor* type) {
  std::string prefix;
  for (const char c : type->name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return prefix + "_";
}

void shorten(const pb::Descriptor* type, Json& json);

void shorten_value(const pb::FieldDescriptor* field, Json& value) {
  if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM && value.is_string()) {
    const std::string text = value;
    value = std::string(absl::StripPrefix(text, prefix_of(field->enum_type())));
  } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE && value.is_object()) {
    shorten(field->message_type(), value);
  }
}

void shorten(const pb::Descriptor* type, Json& json) {
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    const auto found = json.find(field->json_name());
    if (found == json.end()) continue;
    if (field->is_map()) {
      for (auto& [key, value] : found->items()) {
        shorten_value(field->message_type()->map_value(), value);
      }
    } else if (field->is_repeated()) {
      for (Json& value : *found) shorten_value(field, value);
    } else {
      shorten_value(field, *found);
    }
  }
}

}  // namespace

nlohmann::ordered_json to_json(const pb::Message& message) {
  pb::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string text;
  // Cannot fail for our messages: no Any, no out-of-range times.
  if (!pb::util::MessageToJsonString(message, &text, options).ok()) return Json::object();
  Json json = Json::parse(text);
  shorten(message.GetDescriptor(), json);
  return json;
}

std::string short_name(const pb::EnumDescriptor* type, int value) {
  const pb::EnumValueDescriptor* found = type->FindValueByNumber(value);
  if (value == 0 || found == nullptr) return "";
  return std::string(absl::StripPrefix(found->name(), prefix_of(type)));
}

}  // namespace unfold::cli
