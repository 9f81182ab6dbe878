#pragma once

#include <cstddef>
#include <vector>

#include "common/metrics/scheduler_metrics.h"

namespace unfold::server {

/// Every remote procedure, as an index into the metrics.
enum class Rpc : std::size_t {
  kSubmit,
  kBatchSubmit,
  kGet,
  kList,
  kWatch,
  kWait,
  kCancel,
  kRetry,
  kExplain,
  kLogs,
  kSubmitExposure,
  kGetExposure,
  kListExposures,
  kListResponses,
  kPreload,
  kEvict,
  kListWorkers,
  kDrain,
  kGetStatus,
  kSession,
};

/// Their names, in the order of Rpc.
std::vector<metrics::RpcName> rpc_names();

}  // namespace unfold::server
