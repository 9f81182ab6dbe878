#pragma once

#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/roots/roots.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/engine.h"
#include "workers/engines/imaging/checkpoint_file.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::engine {

/// When a job's checkpoint is written and whether an earlier one is taken up. What goes wrong with
/// it costs time, never the job: a line in the job's log says so. Not thread safe.
class Checkpoints {
 public:
  /// `digest` names everything that the numbers depend on.
  Checkpoints(const Roots& roots, const v1::ImagingSpec& spec, std::string digest,
              const Clock& clock, RunContext& context);

  std::optional<imaging::Checkpoint> resume();
  /// After each iteration: written every checkpoint_iterations of these, or where checkpoint_every
  /// has passed since the last.
  void offer(const imaging::Checkpoint& numbers);

 private:
  const std::string digest_;
  const Clock& clock_;
  RunContext& context_;
  const Duration every_;
  const int iterations_;
  std::optional<CheckpointFile> file_;
  Duration due_{};
  int offered_ = 0;
};

}  // namespace unfold::engine
