#include "server/plan_functions.h"

#include "common/log/logger.h"
#include "common/plan/exposure_plan.h"
#include "common/plan/plan.h"

namespace unfold::server {

PlanFunctions plan_functions(const Roots& roots) {
  return {.job = [&roots](const v1::JobSpec& spec) { return plan::plan(spec, roots); },
          .exposure =
              [&roots](const v1::SubmitExposureRequest& request) {
                return plan::plan_exposure(request, roots);
              }};
}

int run_plan_helper(const Options& options) {
  const SystemClock clock;
  const log::Logger log(options.log_level, options.log_format, clock);
  const auto roots = Roots::make(options.roots);
  if (!roots.ok()) {
    log.error("a validation helper cannot start", {{"error", roots.status().ToString()}});
    return 1;
  }
  const HelperLimits limits;
  if (const auto confined = confine_this_process(limits); !confined.ok()) {
    log.warning("a validation helper runs less confined", {{"error", confined.ToString()}});
  }
  return serve_plans(options.plan_helper, plan_functions(*roots), limits).ok() ? 0 : 1;
}

}  // namespace unfold::server
