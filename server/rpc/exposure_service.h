#pragma once

#include "server/rpc/backend.h"
#include "unfold/v1/exposure_service.grpc.pb.h"

namespace unfold::server {

/// ExposureService over a Backend. Thread safe.
class ExposureService final : public v1::ExposureService::CallbackService {
 public:
  explicit ExposureService(const Backend& backend) : backend_(backend) {}

  grpc::ServerUnaryReactor* SubmitExposure(grpc::CallbackServerContext* context,
                                           const v1::SubmitExposureRequest* request,
                                           v1::Exposure* response) override;
  grpc::ServerUnaryReactor* GetExposure(grpc::CallbackServerContext* context,
                                        const v1::GetExposureRequest* request,
                                        v1::Exposure* response) override;
  grpc::ServerUnaryReactor* ListExposures(grpc::CallbackServerContext* context,
                                          const v1::ListExposuresRequest* request,
                                          v1::ListExposuresResponse* response) override;

 private:
  const Backend& backend_;
};

}  // namespace unfold::server
