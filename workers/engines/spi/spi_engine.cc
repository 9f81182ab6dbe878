#include "workers/engines/spi/spi_engine.h"

#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/spi/reference.h"
#include "common/plan/spi_options.h"
#include "common/plan/spi_plan.h"
#include "workers/compute/communicator.h"
#include "workers/cuda/fourier_devices.h"
#include "workers/cuda/match_device.h"
#include "workers/engines/checkpoint_file.h"
#include "workers/engines/checkpoints.h"
#include "workers/engines/file_digests.h"
#include "workers/engines/input_files.h"
#include "workers/engines/spi/density_outputs.h"
#include "workers/engines/spi/density_product.h"
#include "workers/engines/spi/reference_comparison.h"
#include "workers/engines/spi/resident_patterns.h"
#include "workers/engines/spi/settings.h"
#include "workers/engines/spi/spi_progress.h"

namespace unfold::engine {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::chrono::milliseconds kBetweenPulses{200};

/// A job's files, open, and how to read its patterns.
struct OpenSpi {
  v1::SpiSpec spec;
  v1::Plan plan;
  OpenFiles files;
  std::unique_ptr<spi_data::PatternSource> source;
};

struct SpiInput final : Input {
  OpenSpi job;
  std::map<std::string, std::string> sha256;  // of the files, by rooted path
  std::vector<float> background;              // [P] or empty
};

struct SpiProduct final : Product {
  v1::SpiSpec spec;
  spi_data::DensityFile file;
};

absl::StatusOr<OpenSpi> open_job(const Roots& roots, const v1::JobSpec& spec,
                                 const v1::Plan& plan) {
  OpenSpi out{.spec = spec.spi(), .plan = plan, .files = {}, .source = nullptr};
  std::vector<std::string> paths;
  for (const plan::SpiInput& input : plan::inputs_of(out.spec)) paths.push_back(input.path);
  UNFOLD_ASSIGN_OR_RETURN(out.files, open_planned(roots, paths, plan));
  UNFOLD_ASSIGN_OR_RETURN(out.source, plan::open_spi(out.spec, [&](const std::string& path) {
                            return out.files.at(path).proc_path();
                          }));
  return out;
}

absl::Status refused(const char* why) {
  return error({.code = absl::StatusCode::kInvalidArgument,
                .reason = "WRONG_SHAPE",
                .field = "spi",
                .what = "cannot reconstruct the density",
                .why = why,
                .remedy = ""});
}

CheckpointPace pace_of(const v1::SpiSpec& spec) {
  return {.every = Duration(TimeUtil::DurationToNanoseconds(spec.checkpoint_every())),
          .steps = spec.checkpoint_generations()};
}

class SpiEngine final : public Engine {
 public:
  SpiEngine(const Roots& roots, compute::Cpu& cpu, std::shared_ptr<const Clock> clock,
            std::optional<cuda::Gpu> gpu)
      : roots_(roots),
        cpu_(cpu),
        clock_(std::move(clock)),
        gpu_(gpu),
        fourier_(gpu ? cuda::make_fourier_device(*gpu) : nullptr) {}

  std::string name() const override { return "spi"; }
  std::string device() const override {
    return gpu_ ? absl::StrCat("cuda:", gpu_->ordinal) : "cpu";
  }

  absl::StatusOr<std::unique_ptr<Input>> read(const v1::JobSpec& spec,
                                              const v1::Plan& plan) override {
    auto input = std::make_unique<SpiInput>();
    UNFOLD_ASSIGN_OR_RETURN(input->job, open_job(roots_, spec, plan));
    const v1::SpiSpec& asked = input->job.spec;
    UNFOLD_ASSIGN_OR_RETURN(input->sha256, digests_.of_all(input->job.files, plan));
    if (!asked.background_file().empty()) {
      UNFOLD_ASSIGN_OR_RETURN(input->background,
                              spi_data::read_background(named(input->job, asked.background_file()),
                                                        input->job.source->header().shape,
                                                        plan::choice_of(asked).reduction));
    }
    UNFOLD_RETURN_IF_ERROR(check_unchanged(input->job.files, plan));
    return input;
  }

  absl::StatusOr<std::unique_ptr<Product>> compute(std::unique_ptr<Input> input,
                                                   RunContext& context) override {
    const Duration begin = clock_->now().monotonic;
    auto& in = static_cast<SpiInput&>(*input);
    try {
      UNFOLD_ASSIGN_OR_RETURN(const Acquired patterns,
                              acquire(in.job, context.responses, load_step(context)));
      context.response_ready(patterns.hit, patterns.load_seconds);
      return reconstruct(in, *patterns.set, context, begin);
    } catch (const spi::Cancelled&) {
      return absl::CancelledError("told to stop");
    } catch (const std::invalid_argument& refusal) {
      return refused(refusal.what());
    }
  }

  absl::Status write(const Product& product, const std::vector<OutputTarget>& targets) override {
    const auto& out = static_cast<const SpiProduct&>(product);
    for (const OutputTarget& target : targets) {
      UNFOLD_RETURN_IF_ERROR(write_output(out.file, out.spec, target));
    }
    return absl::OkStatus();
  }

  absl::Status verify(const OutputTarget& target) override { return verify_spi_output(target); }

  absl::Status preload(const v1::JobSpec& spec, const v1::Plan& plan,
                       residency::ResponseCache& responses) override {
    UNFOLD_ASSIGN_OR_RETURN(const OpenSpi job, open_job(roots_, spec, plan));
    const PatternStep go_on = [](std::int64_t, std::int64_t) { return absl::OkStatus(); };
    return acquire(job, responses, go_on).status();
  }

  void forget(const v1::JobSpec& spec, const std::string& job_id) override {
    const auto file = CheckpointFile::beside(roots_, spec.spi().output(), job_id);
    if (file.ok()) file->remove();
  }

 private:
  struct Acquired {
    std::shared_ptr<const ResidentPatterns> set;
    bool hit = false;
    double load_seconds = 0;
  };

  static PatternStep load_step(RunContext& context) {
    return [&context](std::int64_t frames, std::int64_t of) {
      v1::Progress progress;
      progress.set_stage("load");
      progress.set_done(frames);
      progress.set_total(of);
      progress.set_unit("patterns");
      context.progress(progress);
      return context.cancel.cancelled() ? absl::CancelledError("told to stop") : absl::OkStatus();
    };
  }

  static spi_data::NamedFile named(const OpenSpi& job, const std::string& path) {
    return {job.files.at(path).proc_path(), path};
  }

  /// What is loaded while its file is written to must not be found under the planned file's key.
  absl::StatusOr<Acquired> acquire(const OpenSpi& job, residency::ResponseCache& responses,
                                   const PatternStep& step) const {
    const residency::Loader load =
        [&]() -> absl::StatusOr<std::shared_ptr<const residency::Response>> {
      UNFOLD_ASSIGN_OR_RETURN(auto loaded, load_patterns(*job.source, plan::choice_of(job.spec),
                                                         step, gpu_ ? &*gpu_ : nullptr));
      UNFOLD_RETURN_IF_ERROR(check_unchanged(job.files, job.plan));
      return loaded;
    };
    UNFOLD_ASSIGN_OR_RETURN(
        auto got,
        responses.acquire({.key = job.plan.response_key(),
                           .engine = name(),
                           .expected_bytes = job.plan.response_bytes(),
                           .while_waiting = [&] { return step(0, job.source->header().frames); }},
                          load));
    return Acquired{std::static_pointer_cast<const ResidentPatterns>(got.response), got.hit,
                    got.load_seconds};
  }

  absl::StatusOr<std::unique_ptr<Product>> reconstruct(const SpiInput& input,
                                                       const ResidentPatterns& patterns,
                                                       RunContext& context, Duration begin) const {
    const OpenSpi& job = input.job;
    std::optional<Duration> first_generation;
    SpiProgress progress(job.spec, *clock_, context.progress);
    const spi::Result result = run(input, patterns, context, progress, first_generation);
    for (const std::string& reason : result.reasons) context.note(reason);

    auto product = std::make_unique<SpiProduct>();
    product->spec = job.spec;
    product->file = density_of(result, patterns, job.spec,
                               {context.job_id, job.plan.response_key(), input.sha256});
    if (!job.spec.reference().empty()) {
      UNFOLD_RETURN_IF_ERROR(compare(job, patterns.detector.qmax, progress, product->file));
    }
    product->summary = summary_of(result, product->file);
    product->summary["first_generation_seconds"] =
        std::chrono::duration<double>(first_generation.value_or(begin) - begin).count();
    return product;
  }

  /// Turning one volume onto another takes seconds, in which nothing asks for a cancel.
  template <class Work>
  static auto beside_pulse(SpiProgress& progress, const Work& work) -> decltype(work()) {
    auto done = std::async(std::launch::async, work);
    while (done.wait_for(kBetweenPulses) != std::future_status::ready) progress.pulse_beside();
    return done.get();
  }

  absl::Status compare(const OpenSpi& job, double qmax, SpiProgress& progress,
                       spi_data::DensityFile& file) const {
    UNFOLD_ASSIGN_OR_RETURN(
        const std::vector<double> reference,
        spi_data::reference_density(named(job, job.spec.reference()), job.spec.grid(), qmax));
    beside_pulse(progress, [&] { compare_with_reference(cpu_, reference, file); });
    return absl::OkStatus();
  }

  /// From where an earlier attempt left off, if it left something.
  spi::Result run(const SpiInput& input, const ResidentPatterns& patterns, RunContext& context,
                  SpiProgress& progress, std::optional<Duration>& first_generation) const {
    const v1::SpiSpec& spec = input.job.spec;
    Checkpoints checkpoints(
        roots_, spec.output(), pace_of(spec),
        checkpoint_digest(without_places(spec), input.job.plan.response_key(), made_from(input)),
        *clock_, context);
    compute::SoloCommunicator alone;
    const spi::Hooks hooks{
        .report =
            [&](const spi::Report& report) {
              if (!first_generation) first_generation = clock_->now().monotonic;
              progress.report(report);
            },
        .cancelled =
            [&] {
              progress.pulse();
              return context.cancel.cancelled();
            },
        .checkpoint = [&](const spi::Checkpoint& numbers) { checkpoints.offer(numbers); }};
    const std::optional<spi::Checkpoint> earlier = checkpoints.resume();
    auto settings = settings_of(spec, input.background);
    settings.run.fourier_device = fourier_.get();
    const auto searches =
        gpu_ ? cuda::make_match_device(*gpu_, context.note, patterns.on_gpu) : nullptr;
    settings.run.match_device = searches.get();
    return beside_pulse(progress, [&] {
      return spi::reconstruct(cpu_, patterns.frames, patterns.detector, settings, alone, hooks,
                              earlier ? &*earlier : nullptr);
    });
  }

  /// The files that have a part in the density: all but the reference.
  static std::map<std::string, std::string> made_from(const SpiInput& input) {
    std::map<std::string, std::string> out = input.sha256;
    out.erase(input.job.spec.reference());
    return out;
  }

  const Roots& roots_;
  compute::Cpu& cpu_;
  const std::shared_ptr<const Clock> clock_;
  const std::optional<cuda::Gpu> gpu_;
  const std::unique_ptr<spi::FourierDevice> fourier_;  ///< or null
  FileDigests digests_;
};

}  // namespace

std::unique_ptr<Engine> make_spi_engine(const Roots& roots, compute::Cpu& cpu,
                                        std::shared_ptr<const Clock> clock,
                                        std::optional<cuda::Gpu> gpu) {
  return std::make_unique<SpiEngine>(roots, cpu, std::move(clock), gpu);
}

}  // namespace unfold::engine
