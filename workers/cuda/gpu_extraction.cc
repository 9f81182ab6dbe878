#include "workers/cuda/gpu_extraction.h"

#include "workers/cuda/outcome.h"

namespace unfold::cuda {
namespace {

void tell_progress(void* hooks, std::int64_t done, std::int64_t total) {
  const auto& progress = static_cast<const extraction::Hooks*>(hooks)->progress;
  if (progress) progress(done, total);
}
bool is_cancelled(void* hooks) {
  const auto& cancelled = static_cast<const extraction::Hooks*>(hooks)->cancelled;
  return cancelled && cancelled();
}

}  // namespace

GpuPsf::GpuPsf(const Gpu& gpu, const extraction::PsfShape& shape) : gpu_(gpu) {
  const extraction::PsfTable table = extraction::table_of(shape);
  require(gpu.module->extraction.load_psf(gpu.ordinal, &table, &handle_, &bytes_));
}

GpuPsf::~GpuPsf() { gpu_.module->extraction.release_psf(gpu_.ordinal, handle_); }

GpuExtraction::~GpuExtraction() {
  for (const Idle& idle : idle_) {
    gpu_.module->extraction.release_extractor(gpu_.ordinal, idle.extractor);
  }
}

std::int64_t GpuExtraction::bytes() const {
  const std::lock_guard lock(mutex_);
  std::int64_t sum = 0;
  for (const Idle& idle : idle_) sum += idle.bytes;
  return sum;
}

extraction::Spectra GpuExtraction::extract(const GpuPsf& psf, const extraction::PsfShape& shape,
                                           const extraction::PsfTraces& traces,
                                           const extraction::FrameView& frame,
                                           const extraction::Options& options, compute::Cpu& cpu,
                                           const extraction::Hooks& hooks,
                                           extraction::DeviceStages* stages) {
  extraction::FramePlan plan(shape, traces, frame, options);
  extraction::FrameJob& job = plan.job();
  if (job.method == extraction::RootMethod::kPoles) job.method = method_;
  job.progress = tell_progress;
  job.cancelled = is_cancelled;
  job.context = const_cast<extraction::Hooks*>(&hooks);
  job.time_stages = stages != nullptr;
  extraction::Spectra out = extraction::make_spectra(options, shape.half_size_y);
  std::vector<double> unconvolved;
  extraction::FrameSpectra places = extraction::places_in(out, unconvolved);

  void* extractor = take();
  const Outcome outcome =
      gpu_.module->extraction.extract(gpu_.ordinal, extractor, psf.get(), &job, &places);
  if (outcome.code == OutcomeCode::kOk) {
    give_back({extractor, places.stages.device_bytes});
  } else {  // whatever it holds is of no more use
    gpu_.module->extraction.release_extractor(gpu_.ordinal, extractor);
  }
  require(outcome);
  if (places.cancelled) throw extraction::Cancelled();
  if (stages != nullptr) *stages = places.stages;
  out.bad_input_pixels = places.bad_input_pixels;
  if (options.model_image) {
    out.model.assign(static_cast<std::size_t>(frame.image.size()), 0);
    project(shape, traces, options.wavelength, options.spec_min,
            {unconvolved.data(), out.n_spec, out.n_wave}, options.tails,
            {out.model.data(), shape.npix_y, shape.npix_x}, cpu);
  }
  return out;
}

void* GpuExtraction::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      void* extractor = idle_.back().extractor;
      idle_.pop_back();
      return extractor;
    }
  }
  void* extractor = nullptr;
  require(gpu_.module->extraction.open_extractor(gpu_.ordinal, &extractor));
  return extractor;
}

void GpuExtraction::give_back(const Idle& idle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(idle);
}

}  // namespace unfold::cuda
