#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <vector>

#include "client/cli/table.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// One row a job, as `unfold jobs` lists them.
Table job_table(const std::vector<v1::Job>& jobs, const google::protobuf::Timestamp& now);

/// Everything a person asks of one job: the sheet of `jobs get`.
std::string job_sheet(const v1::Job& job, const google::protobuf::Timestamp& now);

/// What a dry run found: the plan's facts, outputs, predicted seconds and warnings.
std::string plan_sheet(const v1::Job& job);

/// "RUNNING", or "CANCELLING" until a cancelled job has stopped.
std::string state_word(const v1::Job& job);

/// How a final job ended, in one line: "a1b2: SUCCEEDED in 5.2 s; chi2_per_dof 1.01, bins 1163000".
std::string ending(const v1::Job& job);

}  // namespace unfold::cli
