#pragma once

#include "common/publish/publication.h"
#include "unfold/v1/worker_service.pb.h"

/// Outputs in the words of the protocol and in those of Publication.
namespace unfold::simulation {

/// What a publication makes, as PublishIntent and Finished say it.
template <class Message>
void add_outputs(const Publication& publication, Message& message) {
  for (const auto& output : publication.published()) {
    v1::OutputFile& file = *message.add_outputs();
    file.set_path(output.rooted_path);
    file.set_size_bytes(output.content.size_bytes);
    file.set_sha256(output.content.sha256);
  }
}

inline RecordedPublication recorded(const v1::RecordedIntent& intent) {
  RecordedPublication out{.fence = intent.fence(), .outputs = {}};
  for (const v1::OutputFile& output : intent.outputs()) {
    out.outputs.push_back({output.path(), {output.size_bytes(), output.sha256()}});
  }
  return out;
}

}  // namespace unfold::simulation
