#include "server/rpc/exposure_service.h"

#include <utility>

#include "server/rpc/call.h"
#include "server/rpc/job_requests.h"
#include "server/rpc/submit_exposure.h"

namespace unfold::server {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;

}  // namespace

grpc::ServerUnaryReactor* ExposureService::SubmitExposure(grpc::CallbackServerContext* context,
                                                          const v1::SubmitExposureRequest* request,
                                                          v1::Exposure* response) {
  const Call call(backend_, Rpc::kSubmitExposure, context);
  if (const auto bad = check_request_id(request->request_id()); !bad.ok()) return call.finish(bad);
  submit_exposure(backend_, call, *request, response);
  return call.reactor();
}

grpc::ServerUnaryReactor* ExposureService::GetExposure(grpc::CallbackServerContext* context,
                                                       const v1::GetExposureRequest* request,
                                                       v1::Exposure* response) {
  const Call call(backend_, Rpc::kGetExposure, context);
  return call.finish(backend_.store.exposure(request->id()), response);
}

grpc::ServerUnaryReactor* ExposureService::ListExposures(grpc::CallbackServerContext* context,
                                                         const v1::ListExposuresRequest* request,
                                                         v1::ListExposuresResponse* response) {
  const Call call(backend_, Rpc::kListExposures, context);
  const int asked = request->page_size() <= 0 ? kDefaultPage : request->page_size();
  auto page = backend_.store.exposures({.night = request->night(),
                                        .page_size = std::min(asked, kMaxPage),
                                        .page_token = request->page_token()});
  if (!page.ok()) return call.finish(page.status());
  for (v1::Exposure& exposure : page->exposures) *response->add_exposures() = std::move(exposure);
  response->set_next_page_token(page->next_page_token);
  return call.finish(absl::OkStatus());
}

}  // namespace unfold::server
