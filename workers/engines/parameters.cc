#include "workers/engines/parameters.h"

#include <google/protobuf/descriptor.h>

#include <vector>

namespace unfold::engine {

namespace pb = google::protobuf;

std::map<std::string, Parameter> parameters_of(const pb::Message& message,
                                               const std::string& prefix) {
  std::map<std::string, Parameter> out;
  const pb::Reflection& read = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  read.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const std::string name = prefix + field->name();
    if (field->is_repeated()) continue;
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        out[name] = read.GetDouble(message, field);
        break;
      case pb::FieldDescriptor::CPPTYPE_INT32:
        out[name] = std::int64_t{read.GetInt32(message, field)};
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        out[name] = static_cast<std::int64_t>(read.GetUInt64(message, field));
        break;
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        out[name] = std::int64_t{read.GetBool(message, field)};
        break;
      case pb::FieldDescriptor::CPPTYPE_STRING:
        out[name] = read.GetString(message, field);
        break;
      default:
        break;
    }
  }
  return out;
}

}  // namespace unfold::engine
