#include "common/plan/plan.h"

#include <google/protobuf/util/time_util.h>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/plan/extraction_plan.h"
#include "common/plan/files.h"
#include "common/plan/imaging_plan.h"
#include "common/plan/refuse.h"
#include "common/plan/spi_plan.h"

namespace unfold::plan {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int kDefaultAttempts = 3;

absl::Status check_not_negative(const char* field, double value) {
  if (value >= 0) return absl::OkStatus();
  return refuse(field, "OUT_OF_RANGE", absl::StrCat(field, " is ", value),
                "it must not be negative", "correct the option");
}

double seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(TimeUtil::DurationToNanoseconds(duration)) * 1e-9;
}

absl::StatusOr<Planned> plan_probe(const v1::JobSpec& job, const Roots& roots) {
  Planned out{.spec = job, .plan = {}};
  v1::ProbeSpec& probe = *out.spec.mutable_probe();
  UNFOLD_RETURN_IF_ERROR(check_not_negative("probe.run", seconds(probe.run())));
  UNFOLD_RETURN_IF_ERROR(check_not_negative("probe.load", seconds(probe.load())));
  UNFOLD_RETURN_IF_ERROR(
      check_not_negative("probe.allocate_bytes", static_cast<double>(probe.allocate_bytes())));
  UNFOLD_RETURN_IF_ERROR(
      check_not_negative("probe.response_bytes", static_cast<double>(probe.response_bytes())));
  UNFOLD_RETURN_IF_ERROR(
      check_not_negative("probe.output_bytes", static_cast<double>(probe.output_bytes())));
  UNFOLD_RETURN_IF_ERROR(
      check_not_negative("probe.device_bytes", static_cast<double>(probe.device_bytes())));
  if (!probe.output().empty()) {
    OutputFiles outputs(roots, {job.overwrite(), job.parents()});
    UNFOLD_ASSIGN_OR_RETURN(*probe.mutable_output(), outputs.add(probe.output(), "probe.output"));
    v1::OutputFile* output = out.plan.add_outputs();
    output->set_path(probe.output());
    output->set_size_bytes(probe.output_bytes());
  }
  out.plan.set_response_key(probe.response());
  out.plan.set_response_bytes(probe.response_bytes());
  out.plan.set_host_bytes(probe.allocate_bytes());
  out.plan.set_device_bytes(probe.device_bytes());
  out.plan.set_load_seconds(seconds(probe.load()));
  out.plan.set_run_seconds(seconds(probe.run()));
  return out;
}

absl::StatusOr<Planned> plan_engine(const v1::JobSpec& spec, const Roots& roots) {
  switch (spec.engine_case()) {
    case v1::JobSpec::kExtraction:
      return plan_extraction(spec, roots);
    case v1::JobSpec::kImaging:
      return plan_imaging(spec, roots);
    case v1::JobSpec::kProbe:
      return plan_probe(spec, roots);
    case v1::JobSpec::kSpi:
      return plan_spi(spec, roots);
    case v1::JobSpec::ENGINE_NOT_SET:
      break;
  }
  return refuse("engine", "MISSING_FIELD", "the job names no engine", "nothing says what to do",
                "set extraction, imaging or spi");
}

}  // namespace

absl::StatusOr<Planned> plan(const v1::JobSpec& spec, const Roots& roots) {
  UNFOLD_ASSIGN_OR_RETURN(Planned out, plan_engine(spec, roots));
  if (out.spec.max_attempts() == 0) out.spec.set_max_attempts(kDefaultAttempts);
  return out;
}

}  // namespace unfold::plan
