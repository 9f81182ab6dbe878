#pragma once

#include <vector>

#include "unfold/v1/device.pb.h"
#include "unfold/v1/response_service.pb.h"
#include "workers/residency/response_cache.h"

namespace unfold::agent {

// What a worker tells the scheduler of its memory.
std::vector<v1::Residency> residency_of(const residency::ResponseCache& responses);
v1::Workspace workspace_of(const residency::ResponseCache& responses);

}  // namespace unfold::agent
