#pragma once

#include "common/roots/roots.h"
#include "server/options.h"
#include "server/rpc/plan_helper.h"

namespace unfold::server {

/// common/plan over `roots`, which must outlive the functions.
PlanFunctions plan_functions(const Roots& roots);

/// The whole life of a validation helper: confines itself, then answers on options.plan_helper.
/// Returns the exit code.
int run_plan_helper(const Options& options);

}  // namespace unfold::server
