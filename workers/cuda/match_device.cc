#include "workers/cuda/match_device.h"

#include <algorithm>
#include <list>
#include <optional>
#include <set>
#include <utility>

#include "workers/cuda/gpu_frames.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/device_tasks.h"

namespace unfold::cuda {
namespace {

class GpuMatching final : public spi::MatchDevice {
 public:
  GpuMatching(const Gpu& gpu, std::function<void(const std::string&)> note,
              std::shared_ptr<const GpuFrames> resident)
      : gpu_(gpu), note_(std::move(note)), resident_(std::move(resident)) {}

  std::optional<spi::Matches> match(compute::Cpu& cpu, const spi::PatternSet& frames,
                                    const spi::Slicer& slicer,
                                    std::span<const spi::Quaternion> references,
                                    const spi::MatchOptions& options) override {
    if (references.empty() || !takes(frames, slicer)) return std::nullopt;
    spi::MatchInput input(cpu, frames, slicer, references, options);
    const spi::MatchTask task = input.task();
    require(gpu_.module->spi.match(held(frames).get(), &task));
    return std::move(input).answer();
  }

  std::optional<spi::LocalMatches> match_near(compute::Cpu& cpu, const spi::PatternSet& frames,
                                              const spi::Slicer& slicer,
                                              std::span<const spi::Quaternion> start,
                                              spi::Index starts,
                                              std::span<const spi::Quaternion> turns,
                                              const spi::MatchOptions& options) override {
    if (!takes(frames, slicer)) return std::nullopt;
    spi::NearInput input(cpu, frames, slicer, start, starts, turns, options);
    const spi::NearTask task = input.task();
    require(gpu_.module->spi.match_near(held(frames).get(), &task));
    return input.answer();
  }

  bool sum(const spi::PatternSet& frames, const spi::SumTask& task) override {
    if (!takes(frames)) return false;
    require(gpu_.module->spi.sum(held(frames).get(), &task));
    return true;
  }

 private:
  bool takes(const spi::PatternSet& frames, const spi::Slicer& slicer) {
    if (slicer.fine().width > spi::kWidestSlice) {
      return left("slices of so fine a tolerance are cut on the host");
    }
    return takes(frames);
  }
  bool takes(const spi::PatternSet& frames) {
    if (!spi::fits_device(frames)) {
      return left("frames that list a pixel twice are matched and summed on the host");
    }
    return true;
  }
  bool left(const std::string& why) {
    if (noted_.insert(why).second && note_) note_(why);
    return false;
  }

  const GpuFrames& held(const spi::PatternSet& frames) {
    held_.remove_if([](const auto& one) { return one->expired(); });
    const auto found =
        std::find_if(held_.begin(), held_.end(), [&](const auto& one) { return one->are(frames); });
    return found != held_.end() ? **found : *held_.emplace_back(brought(frames));
  }
  /// Only what is not there yet is copied.
  std::shared_ptr<const GpuFrames> brought(const spi::PatternSet& frames) {
    if (resident_ && resident_->are(frames)) return std::make_shared<GpuFrames>(resident_);
    if (resident_ && resident_->hold(frames)) return std::make_shared<GpuFrames>(resident_, frames);
    for (const auto& whole : held_) {
      if (whole->hold(frames)) return std::make_shared<GpuFrames>(whole, frames);
    }
    return std::make_shared<GpuFrames>(gpu_, frames);
  }

  Gpu gpu_;
  std::function<void(const std::string&)> note_;
  std::set<std::string> noted_;
  std::shared_ptr<const GpuFrames> resident_;
  std::list<std::shared_ptr<const GpuFrames>> held_;
};

}  // namespace

std::unique_ptr<spi::MatchDevice> make_match_device(const Gpu& gpu,
                                                    std::function<void(const std::string&)> note,
                                                    std::shared_ptr<const GpuFrames> resident) {
  return std::make_unique<GpuMatching>(gpu, std::move(note), std::move(resident));
}

}  // namespace unfold::cuda
