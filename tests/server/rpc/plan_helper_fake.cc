// A validation helper whose "parser" does what the image's name says, for plan_pool_test.
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <vector>

#include "common/base/error.h"
#include "server/rpc/plan_helper.h"

namespace unfold::server {
namespace {

absl::Status refused(const std::string& why,
                     absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  return error({.code = code,
                .reason = "NOT_FITS",
                .field = "extraction.image",
                .what = "refused",
                .why = why,
                .remedy = ""});
}

absl::StatusOr<plan::Planned> plan_as_named(const v1::JobSpec& spec) {
  const std::string& image = spec.extraction().image();
  if (image == "crash") std::raise(SIGSEGV);
  if (image == "stall") {
    while (true) pause();
  }
  if (image == "exit") std::_Exit(3);
  if (image == "bloat") std::vector<char>(std::size_t{64} << 30).back() = 1;
  if (image == "network" && socket(AF_INET, SOCK_STREAM, 0) < 0) return refused("no network");
  if (image == "shell" && execl("/bin/true", "true", nullptr) < 0) return refused("no programs");
  if (image == "bad") return refused("it is bad");
  if (image == "unreadable") return refused("I/O error", absl::StatusCode::kUnavailable);
  if (image == "huge") return refused("no memory", absl::StatusCode::kResourceExhausted);
  plan::Planned planned{.spec = spec, .plan = {}};
  planned.plan.set_response_key("key of " + image);
  return planned;
}

absl::StatusOr<v1::Exposure> one_camera(const v1::SubmitExposureRequest& request) {
  v1::Exposure exposure;
  exposure.set_expid(request.expid());
  exposure.add_cameras()->set_camera("r0");
  return exposure;
}

}  // namespace
}  // namespace unfold::server

int main(int, char** argv) {
  using namespace unfold::server;
  const HelperLimits limits;
  if (!confine_this_process(limits).ok()) return 4;
  return serve_plans(std::atoi(argv[1]), {plan_as_named, one_camera}, limits).ok() ? 0 : 1;
}
