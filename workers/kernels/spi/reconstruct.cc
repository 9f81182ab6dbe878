#include "workers/kernels/spi/reconstruct.h"

#include "workers/kernels/spi/job.h"

namespace unfold::spi {

Result reconstruct(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                   const Settings& settings, compute::Communicator& communicator,
                   const Hooks& hooks, const Checkpoint* resume) {
  Job job(cpu, frames, detector, settings, communicator, hooks);
  if (resume != nullptr) job.restore(*resume);
  return job.make();
}

}  // namespace unfold::spi
