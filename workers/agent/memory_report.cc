#include "workers/agent/memory_report.h"

namespace unfold::agent {

std::vector<v1::Residency> residency_of(const residency::ResponseCache& responses) {
  std::vector<v1::Residency> out;
  for (const residency::Resident& resident : responses.list()) {
    v1::Residency one;
    one.set_key(resident.key);
    one.set_engine(resident.engine);
    one.set_bytes(resident.bytes);
    one.set_uses(resident.uses);
    one.set_holders(resident.holders);
    one.set_load_seconds(resident.load_seconds);
    one.set_idle_seconds(resident.idle_seconds);
    out.push_back(one);
  }
  return out;
}

v1::Workspace workspace_of(const residency::ResponseCache& responses) {
  const residency::WorkspaceBytes bytes = responses.workspace_bytes();
  v1::Workspace out;
  out.set_reserved_bytes(bytes.reserved);
  out.set_idle_bytes(bytes.idle);
  return out;
}

}  // namespace unfold::agent
