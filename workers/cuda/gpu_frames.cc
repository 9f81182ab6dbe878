#include "workers/cuda/gpu_frames.h"

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/device_tasks.h"

namespace unfold::cuda {

GpuFrames::GpuFrames(const Gpu& gpu, const spi::PatternSet& frames)
    : gpu_(gpu), of_(frames.identity()) {
  if (!spi::fits_device(frames)) {
    throw std::invalid_argument("a frame lists a pixel twice, or there is none");
  }
  const spi::FramesTask task = spi::frames_task(frames);
  require(gpu_.module->spi.load(gpu_.ordinal, &task, &handle_));
}

GpuFrames::GpuFrames(std::shared_ptr<const GpuFrames> whole)
    : gpu_(whole->gpu_), whole_(std::move(whole)), of_(whole_->of_) {
  require(gpu_.module->spi.share(whole_->handle_, nullptr, 0, &handle_));
}

GpuFrames::GpuFrames(std::shared_ptr<const GpuFrames> whole, const spi::PatternSet& some)
    : gpu_(whole->gpu_), whole_(std::move(whole)), of_(some.identity()) {
  if (!whole_->hold(some)) throw std::logic_error("frames of another set");
  const std::span<const spi::Index> from = some.origin().frames;
  const std::vector<std::int32_t> place(from.begin(), from.end());
  require(gpu_.module->spi.share(whole_->handle_, place.data(), some.frames(), &handle_));
}

GpuFrames::~GpuFrames() { gpu_.module->spi.release(handle_); }

}  // namespace unfold::cuda
