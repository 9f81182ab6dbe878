#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/base/clock.h"
#include "common/log/logger.h"
#include "common/metrics/scheduler_metrics.h"
#include "common/roots/roots.h"
#include "server/jobs/job_store.h"
#include "server/rpc/job_feed.h"
#include "server/rpc/planner.h"
#include "server/rpc/reply_router.h"
#include "server/scheduler/core_loop.h"

namespace unfold::server {

/// What does not change while the scheduler runs.
struct ServerFacts {
  std::int64_t started_unix_ns = 0;
  std::string http_address;
  bool probe_engine = false;
};

/// All that the handlers act on. Everything outlives the gRPC server; everything is thread safe.
struct Backend {
  CoreLoop& loop;
  const JobStore& store;
  Planner& planner;
  JobFeed& feed;
  ReplyRouter& replies;
  const Roots& roots;
  const metrics::SchedulerMetrics& metrics;
  const log::Logger& log;
  const Clock& clock;
  ServerFacts facts;
};

}  // namespace unfold::server
