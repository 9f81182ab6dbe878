#include "tests/physics/pipeline.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/plan/plan.h"
#include "common/roots/roots.h"
#include "workers/compute/cpu_device.h"
#include "workers/engines/extraction/extraction_engine.h"
#include "workers/residency/response_cache.h"

namespace unfold::physics {
namespace {

constexpr std::int64_t kBudget = std::int64_t{1} << 30;

/// "data:name" -> folder/name
std::string path_of(const std::string& folder, const std::string& rooted) {
  return folder + "/" + rooted.substr(rooted.find(':') + 1);
}

}  // namespace

absl::StatusOr<std::map<std::string, double>> run_extraction(const std::string& folder,
                                                             const v1::ExtractionSpec& spec) {
  UNFOLD_ASSIGN_OR_RETURN(const Roots roots, Roots::make({"data=" + folder}));
  v1::JobSpec job;
  *job.mutable_extraction() = spec;
  job.set_overwrite(true);
  UNFOLD_ASSIGN_OR_RETURN(const plan::Planned planned, plan::plan(job, roots));

  compute::Cpu cpu;
  const std::unique_ptr<residency::ResponseCache> responses =
      residency::make_response_cache(kBudget, std::make_shared<SystemClock>());
  const engine::CancelToken cancel;
  engine::RunContext context = {*responses, [](const v1::Progress&) {}, cancel, "physics",
                                1,          [](bool, double) {}};
  const std::unique_ptr<engine::Engine> extraction = engine::make_extraction_engine(roots, cpu);
  UNFOLD_ASSIGN_OR_RETURN(std::unique_ptr<engine::Input> input,
                          extraction->read(planned.spec, planned.plan));
  UNFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<engine::Product> product,
                          extraction->compute(std::move(input), context));
  std::vector<engine::OutputTarget> targets;
  for (const v1::OutputFile& output : planned.plan.outputs()) {
    targets.push_back(
        {static_cast<int>(targets.size()), output.path(), path_of(folder, output.path())});
  }
  UNFOLD_RETURN_IF_ERROR(extraction->write(*product, targets));
  for (const engine::OutputTarget& target : targets) {
    UNFOLD_RETURN_IF_ERROR(extraction->verify(target));
  }
  return product->summary;
}

}  // namespace unfold::physics
