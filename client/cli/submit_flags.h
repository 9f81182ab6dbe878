#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <map>
#include <optional>
#include <string>

#include "client/cli/follow.h"
#include "client/cli/session.h"
#include "unfold/v1/job_service.pb.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace unfold::cli {

/// The flags that every kind of submission has.
struct SubmitFlags {
  int priority = 0;
  std::optional<google::protobuf::Timestamp> deadline;
  std::map<std::string, std::string> labels;
  std::optional<google::protobuf::Duration> run_timeout;
  bool overwrite = false;
  bool parents = false;
  bool dry_run = false;
  std::string request_id;
  std::string wait_text;  ///< as typed; empty: no limit
  CLI::Option* wait = nullptr;

  bool waits() const;
  Until until() const;
  /// Into a job's spec.
  void apply(v1::JobSpec& spec) const;
  /// --request-id, else a new one: a call repeated after a lost answer is then no second job.
  std::string id_of_request() const;
};

enum class WithLabels { kNo, kYes };
void add_submit_flags(CLI::App& command, SubmitFlags& flags, WithLabels with_labels);

/// Submits, prints the id (or, dry, the plan) and waits if asked to.
int submit_job(Session& session, const SubmitFlags& flags, const v1::JobSpec& spec);

}  // namespace unfold::cli
