#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/rpc/client.h"

namespace unfold::cli {

/// Of a sample, in its own unit. Zeros when it is empty.
struct Quantiles {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
};
Quantiles quantiles(std::vector<double> sample);

/// The load: probe jobs that do nothing, from `clients` connections at once.
struct SubmitLoad {
  std::string server;
  int clients = 1;
  int jobs = 1000;  ///< over all clients
};
struct SubmitResult {
  std::int64_t submitted = 0;
  double seconds = 0;
  Quantiles milliseconds;  ///< of one durable submission
};
/// The first error of any client ends the run.
absl::StatusOr<SubmitResult> measure_submit(const SubmitLoad& load);

struct DispatchResult {
  /// From submission to the worker's word that it has begun, by the scheduler's own clock: the
  /// commit, the way to the worker, and the way back.
  Quantiles begun_ms;
  /// From the call to the news that the job is done, by the client's clock.
  Quantiles cycle_ms;
};
/// Of one job at a time: the worker is free when it comes.
absl::StatusOr<DispatchResult> measure_dispatch(client::Client& client, int jobs);

/// Queues probes until `count` are queued (there must be no worker), by batches.
absl::Status fill_queue(client::Client& client, std::int64_t count);

/// Milliseconds of each of up to `pages` pages of 100, newest first.
absl::StatusOr<Quantiles> measure_list_ms(client::Client& client, int pages);

}  // namespace unfold::cli
