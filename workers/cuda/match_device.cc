#include "workers/cuda/match_device.h"

#include <algorithm>
#include <list>
#include <optional>
#include <set>
#include <utility>

#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/device_tasks.h"

namespace unfold::cuda {
namespace {

/// Owns frames on a GPU.
class ResidentFrames {
 public:
  ResidentFrames(const Gpu& gpu, const spi::PatternSet& frames)
      : table_(&gpu.module->spi), of_(frames.identity()) {
    const spi::FramesTask task = spi::frames_task(frames);
    require(table_->load(gpu.ordinal, &task, &handle_));
  }
  ~ResidentFrames() { table_->release(handle_); }
  ResidentFrames(const ResidentFrames&) = delete;
  ResidentFrames& operator=(const ResidentFrames&) = delete;

  bool expired() const { return of_.expired(); }
  bool are(const spi::PatternSet& frames) const { return of_.lock() == frames.identity().lock(); }
  void* handle() const { return handle_; }

 private:
  const SpiTable* table_;
  std::weak_ptr<const void> of_;
  void* handle_ = nullptr;
};

class GpuMatching final : public spi::MatchDevice {
 public:
  GpuMatching(const Gpu& gpu, std::function<void(const std::string&)> note)
      : gpu_(gpu), note_(std::move(note)) {}

  std::optional<spi::Matches> match(compute::Cpu& cpu, const spi::PatternSet& frames,
                                    const spi::Slicer& slicer,
                                    std::span<const spi::Quaternion> references,
                                    const spi::MatchOptions& options) override {
    if (references.empty() || !takes(frames, slicer)) return std::nullopt;
    spi::MatchInput input(cpu, frames, slicer, references, options);
    const spi::MatchTask task = input.task();
    require(gpu_.module->spi.match(resident(frames).handle(), &task));
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
    require(gpu_.module->spi.match_near(resident(frames).handle(), &task));
    return input.answer();
  }

 private:
  bool takes(const spi::PatternSet& frames, const spi::Slicer& slicer) {
    if (slicer.fine().width > spi::kWidestSlice) {
      return left("slices of so fine a tolerance are cut on the host");
    }
    if (!spi::fits_device(frames)) {
      return left("frames that list a pixel twice are matched on the host");
    }
    return true;
  }
  bool left(const std::string& why) {
    if (noted_.insert(why).second && note_) note_(why);
    return false;
  }

  const ResidentFrames& resident(const spi::PatternSet& frames) {
    resident_.remove_if([](const ResidentFrames& one) { return one.expired(); });
    const auto found = std::find_if(resident_.begin(), resident_.end(),
                                    [&](const ResidentFrames& one) { return one.are(frames); });
    return found != resident_.end() ? *found : resident_.emplace_back(gpu_, frames);
  }

  Gpu gpu_;
  std::function<void(const std::string&)> note_;
  std::set<std::string> noted_;
  std::list<ResidentFrames> resident_;
};

}  // namespace

std::unique_ptr<spi::MatchDevice> make_match_device(const Gpu& gpu,
                                                    std::function<void(const std::string&)> note) {
  return std::make_unique<GpuMatching>(gpu, std::move(note));
}

}  // namespace unfold::cuda
