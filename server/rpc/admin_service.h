#pragma once

#include "server/rpc/backend.h"
#include "unfold/v1/admin_service.grpc.pb.h"

namespace unfold::server {

/// AdminService over a Backend. Thread safe.
class AdminService final : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(const Backend& backend) : backend_(backend) {}

  grpc::ServerUnaryReactor* ListWorkers(grpc::CallbackServerContext* context,
                                        const v1::ListWorkersRequest* request,
                                        v1::ListWorkersResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const v1::DrainRequest* request, v1::Worker* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::SchedulerStatus* response) override;

 private:
  const Backend& backend_;
};

}  // namespace unfold::server
