#pragma once

#include <google/protobuf/message.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/roots/roots.h"
#include "workers/engines/checkpoint_file.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// Names what the numbers of a checkpoint depend on: this very program and its instruction set, the
/// options, the response and the input files.
std::string checkpoint_digest(const google::protobuf::Message& options,
                              const std::string& response_key,
                              const std::map<std::string, std::string>& sha256);

/// How often a job's checkpoint is written.
struct CheckpointPace {
  Duration every{};  ///< where so much time has passed since the last
  int steps = 0;     ///< and after every so many steps; 0: by time only
};

/// When a job's checkpoint is written and whether an earlier one is taken up. What goes wrong with
/// it costs time, never the job: a line in the job's log says so. Not thread safe.
class Checkpoints {
 public:
  /// Beside `output`; `digest` as checkpoint_digest() makes it.
  Checkpoints(const Roots& roots, const std::string& output, CheckpointPace pace,
              std::string digest, const Clock& clock, RunContext& context);

  std::optional<std::vector<double>> resume();
  /// After each step; written when it is time.
  void offer(std::span<const double> numbers);

 private:
  const std::string digest_;
  const Clock& clock_;
  RunContext& context_;
  const CheckpointPace pace_;
  std::optional<CheckpointFile> file_;
  Duration due_{};
  int offered_ = 0;
};

}  // namespace unfold::engine
