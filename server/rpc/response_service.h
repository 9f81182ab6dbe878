#pragma once

#include "server/rpc/backend.h"
#include "unfold/v1/response_service.grpc.pb.h"

namespace unfold::server {

/// ResponseService over a Backend. Thread safe.
class ResponseService final : public v1::ResponseService::CallbackService {
 public:
  explicit ResponseService(const Backend& backend) : backend_(backend) {}

  grpc::ServerUnaryReactor* ListResponses(grpc::CallbackServerContext* context,
                                          const v1::ListResponsesRequest* request,
                                          v1::ListResponsesResponse* response) override;
  grpc::ServerUnaryReactor* Preload(grpc::CallbackServerContext* context,
                                    const v1::PreloadRequest* request,
                                    v1::PreloadResponse* response) override;
  grpc::ServerUnaryReactor* Evict(grpc::CallbackServerContext* context,
                                  const v1::EvictRequest* request,
                                  v1::EvictResponse* response) override;

 private:
  const Backend& backend_;
};

}  // namespace unfold::server
