#include "workers/kernels/spi/run.h"

#include "workers/kernels/spi/run_state.h"

namespace unfold::spi {

Run::Run(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
         const RunOptions& options, compute::Communicator& communicator)
    : state_(std::make_unique<State>(cpu, frames, detector, options, communicator)) {}

Run::~Run() = default;

bool Run::finished() const {
  return state_->place.done ||
         static_cast<int>(state_->history.size()) >= state_->options.max_generations;
}

bool Run::converged() const { return state_->place.converged; }

Generation Run::step(const std::function<bool()>& cancelled) { return state_->step(cancelled); }

const Estimate& Run::estimate() const { return state_->estimate; }

const std::vector<Generation>& Run::history() const { return state_->history; }

void Run::start_from(std::span<const Quaternion> orientation,
                     std::span<const std::int32_t> conformation, std::span<const double> fluence,
                     std::span<const std::uint8_t> non_hit) {
  Estimate& estimate = state_->estimate;
  estimate.orientation.assign(orientation.begin(), orientation.end());
  estimate.conformation.assign(conformation.begin(), conformation.end());
  estimate.fluence.assign(fluence.begin(), fluence.end());
  estimate.non_hit.assign(non_hit.begin(), non_hit.end());
  state_->given = true;
}

void Run::save(compute::ArchiveWriter& out) const { state_->save(out); }

void Run::restore(compute::ArchiveReader& in) { state_->restore(in); }

}  // namespace unfold::spi
