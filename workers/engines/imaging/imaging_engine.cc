#include "workers/engines/imaging/imaging_engine.h"

#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/plan/imaging_plan.h"
#include "workers/compute/communicator.h"
#include "workers/engines/checkpoint_file.h"
#include "workers/engines/checkpoints.h"
#include "workers/engines/file_digests.h"
#include "workers/engines/imaging/map_outputs.h"
#include "workers/engines/imaging/map_product.h"
#include "workers/engines/imaging/open_job.h"
#include "workers/engines/imaging/operator_of.h"
#include "workers/engines/imaging/progress_reports.h"
#include "workers/engines/imaging/residents.h"
#include "workers/engines/imaging/settings.h"
#include "workers/engines/input_files.h"

namespace unfold::engine {
namespace {

using google::protobuf::util::TimeUtil;

struct ImagingInput final : Input {
  OpenJob job;
  std::map<std::string, std::string> sha256;  // of the files, by rooted path
  EventList events;
};

struct ImagingProduct final : Product {
  v1::ImagingSpec spec;
  imaging_data::MapProduct map;
};

/// Everything a pass over the response needs, held for the length of a job.
struct Residents {
  std::shared_ptr<const ResidentImagingResponse> response;
  std::shared_ptr<const ResidentAttitude> attitude;  // null where the response is dense
  std::shared_ptr<const ResidentBackground> background;
  bool hit = false;  // of the response
  double load_seconds = 0;
};

/// When the algorithm was ready to begin, and when its first iteration had ended.
struct Milestones {
  std::optional<Duration> ready;
  std::optional<Duration> first_iteration;
};

absl::Status refused(const char* why) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "WRONG_SHAPE",
                .field = "imaging",
                .what = "cannot make the image",
                .why = why,
                .remedy = ""});
}

/// The options that the numbers of a checkpoint depend on.
v1::ImagingSpec without_places(v1::ImagingSpec spec) {
  for (std::string* place : {spec.mutable_output(), spec.mutable_fits(), spec.mutable_png()}) {
    place->clear();
  }
  spec.clear_checkpoint_every();
  spec.clear_checkpoint_iterations();
  return spec;
}

CheckpointPace pace_of(const v1::ImagingSpec& spec) {
  return {.every = Duration(TimeUtil::DurationToNanoseconds(spec.checkpoint_every())),
          .steps = spec.checkpoint_iterations()};
}

class ImagingEngine final : public Engine {
 public:
  ImagingEngine(const Roots& roots, compute::Cpu& cpu, std::shared_ptr<const Clock> clock,
                std::optional<cuda::Gpu> gpu)
      : roots_(roots), cpu_(cpu), clock_(std::move(clock)), gpu_(gpu) {}

  std::string name() const override { return "imaging"; }
  std::string device() const override {
    return gpu_ ? absl::StrCat("cuda:", gpu_->ordinal) : "cpu";
  }

  absl::StatusOr<std::unique_ptr<Input>> read(const v1::JobSpec& spec,
                                              const v1::Plan& plan) override {
    auto input = std::make_unique<ImagingInput>();
    UNFOLD_ASSIGN_OR_RETURN(input->job, open_job(roots_, spec, plan));
    UNFOLD_ASSIGN_OR_RETURN(input->sha256, digests_.of_all(input->job.files, plan));
    UNFOLD_ASSIGN_OR_RETURN(imaging_data::Counts counts, input->job.source->counts());
    UNFOLD_RETURN_IF_ERROR(check_unchanged(input->job.files, plan));
    input->events = events_of(std::move(counts));
    return input;
  }

  absl::StatusOr<std::unique_ptr<Product>> compute(std::unique_ptr<Input> input,
                                                   RunContext& context) override {
    const Duration begin = clock_->now().monotonic;
    auto& in = static_cast<ImagingInput&>(*input);
    try {
      UNFOLD_ASSIGN_OR_RETURN(const Residents residents,
                              acquire(in.job, context.responses, load_step(context)));
      context.response_ready(residents.hit, residents.load_seconds);
      return image(in, residents, context, begin);
    } catch (const imaging::Cancelled&) {
      return absl::CancelledError("told to stop");
    } catch (const std::invalid_argument& refusal) {
      return refused(refusal.what());
    }
  }

  absl::Status write(const Product& product, const std::vector<OutputTarget>& targets) override {
    const auto& out = static_cast<const ImagingProduct&>(product);
    for (const OutputTarget& target : targets) {
      UNFOLD_RETURN_IF_ERROR(write_output(out.map, out.spec, target));
    }
    return absl::OkStatus();
  }

  absl::Status verify(const OutputTarget& target) override { return verify_output(target); }

  absl::Status preload(const v1::JobSpec& spec, const v1::Plan& plan,
                       residency::ResponseCache& responses) override {
    UNFOLD_ASSIGN_OR_RETURN(const OpenJob job, open_job(roots_, spec, plan));
    const LoadStep go_on = [](std::int64_t, std::int64_t) { return absl::OkStatus(); };
    try {
      return acquire(job, responses, go_on).status();
    } catch (const std::invalid_argument& refusal) {
      return refused(refusal.what());
    }
  }

  void forget(const v1::JobSpec& spec, const std::string& job_id) override {
    const auto file = CheckpointFile::beside(roots_, spec.imaging().output(), job_id);
    if (file.ok()) file->remove();
  }

 private:
  static LoadStep load_step(RunContext& context) {
    return [&context](std::int64_t rows, std::int64_t of) {
      v1::Progress progress;
      progress.set_stage("load");
      progress.set_done(rows);
      progress.set_total(of);
      progress.set_unit("rows");
      context.progress(progress);
      return context.cancel.cancelled() ? absl::CancelledError("told to stop") : absl::OkStatus();
    };
  }

  /// What is loaded while its file is written to must not be found under the planned file's key.
  template <class Resident, class Load>
  absl::StatusOr<std::shared_ptr<const Resident>> acquire_one(const OpenJob& job,
                                                              residency::ResponseCache& responses,
                                                              residency::ResponseCache::Key key,
                                                              const Load& load,
                                                              Residents& out) const {
    const residency::Loader load_unchanged = [&]() -> decltype(load()) {
      UNFOLD_ASSIGN_OR_RETURN(auto loaded, load());
      UNFOLD_RETURN_IF_ERROR(check_unchanged(job.files, job.plan));
      return loaded;
    };
    UNFOLD_ASSIGN_OR_RETURN(auto acquired, responses.acquire(key, load_unchanged));
    out.hit = acquired.hit;
    out.load_seconds += acquired.load_seconds;
    return std::static_pointer_cast<const Resident>(acquired.response);
  }

  absl::StatusOr<Residents> acquire(const OpenJob& job, residency::ResponseCache& responses,
                                    const LoadStep& step) const {
    const imaging_data::Header& header = job.header();
    const imaging_data::Source& source = *job.source;
    Residents out;
    const auto wait = [&] { return step(0, header.response_rows); };
    const std::vector<std::string> names(job.imaging().background().begin(),
                                         job.imaging().background().end());
    UNFOLD_ASSIGN_OR_RETURN(
        out.background, acquire_one<ResidentBackground>(
                            job, responses,
                            {.key = resident_key(job, "background", absl::StrJoin(names, ",")),
                             .engine = name(),
                             .expected_bytes = imaging_data::bytes_of_backgrounds(header, names),
                             .while_waiting = wait},
                            [&] { return load_background(source, names); }, out));
    if (header.response == imaging_data::ResponseKind::kFactored) {
      const std::int64_t lookups = header.pointings * header.sky.pixels() * header.neighbours;
      UNFOLD_ASSIGN_OR_RETURN(
          out.attitude,
          acquire_one<ResidentAttitude>(
              job, responses,
              {.key = resident_key(job, "attitude", absl::StrCat(header.response_rows)),
               .engine = name(),
               .expected_bytes = (header.neighbours > 1 ? 6 : 2) * lookups,
               .while_waiting = wait},
              [&] { return load_attitude(source, gpu()); }, out));
    }
    UNFOLD_ASSIGN_OR_RETURN(
        out.response,
        acquire_one<ResidentImagingResponse>(
            job, responses,
            {.key = job.plan.response_key(),
             .engine = name(),
             .expected_bytes = job.plan.response_bytes(),
             .while_waiting = wait},
            [&] { return load_response(source, job.imaging().storage(), step, gpu()); }, out));
    return out;
  }

  absl::StatusOr<std::unique_ptr<Product>> image(const ImagingInput& input,
                                                 const Residents& residents, RunContext& context,
                                                 Duration begin) const {
    const OpenJob& job = input.job;
    const auto response =
        operator_of(job.header(), *residents.response, residents.attitude.get(), cpu_);
    std::vector<double> exposure(static_cast<std::size_t>(response->shape().pixels));
    response->sensitivity({}, exposure);
    const imaging::Background background = background_of(
        residents.background->background, residents.background->sums, input.events.events);
    const imaging::SkyGeometry sky = geometry_of(job.header());
    compute::SoloCommunicator alone;
    const imaging::Problem problem{.response = *response,
                                   .events = input.events.events,
                                   .background = background,
                                   .counts = input.events.counts,
                                   .exposure = exposure,
                                   .sky = sky,
                                   .communicator = alone};
    Milestones reached;
    const imaging::Result result = run(input, problem, context, reached);
    for (const std::string& warning : result.warnings) context.note(warning);

    auto product = std::make_unique<ImagingProduct>();
    product->spec = job.imaging();
    product->map = map_of(result, exposure, job.header(), job.imaging(),
                          {context.job_id, job.plan.response_key(), input.sha256});
    product->summary = summary_of(result, job.header(), exposure, input.events.counts);
    const auto since_begin = [&](const std::optional<Duration>& at) {
      return std::chrono::duration<double>(at.value_or(begin) - begin).count();
    };
    product->summary["ready_seconds"] = since_begin(reached.ready);
    product->summary["first_iteration_seconds"] = since_begin(reached.first_iteration);
    return product;
  }

  /// From where an earlier attempt left off, if it left something.
  imaging::Result run(const ImagingInput& input, const imaging::Problem& problem,
                      RunContext& context, Milestones& reached) const {
    const v1::ImagingSpec& spec = input.job.imaging();
    Checkpoints checkpoints(
        roots_, spec.output(), pace_of(spec),
        checkpoint_digest(without_places(spec), input.job.plan.response_key(), input.sha256),
        *clock_, context);
    ProgressReports reports(input.job.header(), problem.exposure, spec, *clock_, context.progress);
    const imaging::Hooks hooks{
        .report =
            [&](const imaging::Report& report) {
              if (!reached.first_iteration) reached.first_iteration = clock_->now().monotonic;
              reports.report(report);
            },
        .cancelled =
            [&] {
              if (!reached.ready) reached.ready = clock_->now().monotonic;
              reports.pulse();
              return context.cancel.cancelled();
            },
        .checkpoint = [&](const imaging::Checkpoint& numbers) { checkpoints.offer(numbers); }};
    const std::optional<imaging::Checkpoint> earlier = checkpoints.resume();
    return imaging::reconstruct(problem, settings_of(spec), hooks, earlier ? &*earlier : nullptr);
  }

  const cuda::Gpu* gpu() const { return gpu_ ? &*gpu_ : nullptr; }

  const Roots& roots_;
  compute::Cpu& cpu_;
  const std::shared_ptr<const Clock> clock_;
  const std::optional<cuda::Gpu> gpu_;
  FileDigests digests_;
};

}  // namespace

std::unique_ptr<Engine> make_imaging_engine(const Roots& roots, compute::Cpu& cpu,
                                            std::shared_ptr<const Clock> clock,
                                            std::optional<cuda::Gpu> gpu) {
  return std::make_unique<ImagingEngine>(roots, cpu, std::move(clock), gpu);
}

}  // namespace unfold::engine
