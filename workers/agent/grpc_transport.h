#pragma once

#include <string>

#include "workers/agent/transport.h"

namespace unfold::agent {

/// WorkerService.Session at `address` ("unix:PATH" or "HOST:PORT") over gRPC's callback API.
TransportFactory grpc_transport(const std::string& address);

}  // namespace unfold::agent
