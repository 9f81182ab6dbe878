#pragma once

#include "server/rpc/backend.h"
#include "server/rpc/call.h"
#include "unfold/v1/job_service.grpc.pb.h"

namespace unfold::server {

/// JobService over a Backend. Handlers validate, act and convert; none blocks on the core. Thread
/// safe. `backend` must outlive the server.
class JobService final : public v1::JobService::CallbackService {
 public:
  explicit JobService(const Backend& backend) : backend_(backend) {}

  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context,
                                   const v1::SubmitRequest* request,
                                   v1::SubmitResponse* response) override;
  grpc::ServerUnaryReactor* BatchSubmit(grpc::CallbackServerContext* context,
                                        const v1::BatchSubmitRequest* request,
                                        v1::BatchSubmitResponse* response) override;
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const v1::GetJobRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const v1::ListJobsRequest* request,
                                 v1::ListJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchEvent>* Watch(grpc::CallbackServerContext* context,
                                                  const v1::WatchRequest* request) override;
  grpc::ServerUnaryReactor* Wait(grpc::CallbackServerContext* context,
                                 const v1::WaitRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context,
                                   const v1::CancelRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* Retry(grpc::CallbackServerContext* context,
                                  const v1::RetryRequest* request, v1::Job* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* Logs(grpc::CallbackServerContext* context,
                                 const v1::LogsRequest* request,
                                 v1::LogsResponse* response) override;

 private:
  void queue(const Call& call, const v1::SubmitRequest& request,
             absl::StatusOr<plan::Planned> planned, v1::SubmitResponse* response) const;
  void answer_repeat(const Call& call, const v1::SubmitRequest& request, absl::Status refusal,
                     v1::SubmitResponse* response) const;

  const Backend& backend_;
};

}  // namespace unfold::server
