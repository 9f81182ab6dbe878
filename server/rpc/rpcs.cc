#include "server/rpc/rpcs.h"

#include "unfold/v1/admin_service.pb.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/job_service.pb.h"
#include "unfold/v1/response_service.pb.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::server {
namespace {

void add_methods(const google::protobuf::ServiceDescriptor& service,
                 std::vector<metrics::RpcName>* names) {
  for (int i = 0; i < service.method_count(); ++i) {
    names->push_back({service.full_name(), service.method(i)->name()});
  }
}

const google::protobuf::ServiceDescriptor& first_service(
    const google::protobuf::Descriptor& message_of_file) {
  return *message_of_file.file()->service(0);
}

}  // namespace

std::vector<metrics::RpcName> rpc_names() {
  std::vector<metrics::RpcName> names;
  add_methods(first_service(*v1::SubmitRequest::descriptor()), &names);
  add_methods(first_service(*v1::Exposure::descriptor()), &names);
  add_methods(first_service(*v1::Residency::descriptor()), &names);
  add_methods(first_service(*v1::Worker::descriptor()), &names);
  add_methods(first_service(*v1::WorkerMessage::descriptor()), &names);
  return names;
}

}  // namespace unfold::server
