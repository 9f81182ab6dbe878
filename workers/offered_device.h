#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workers/cuda/loader.h"

namespace unfold::worker {

/// What a worker computes on.
struct OfferedDevice {
  std::string name = "cpu";       ///< "cpu", "cuda:0"
  std::string description;        ///< of the processor or GPU, by its maker
  std::string uuid;               ///< as NVML names it, "GPU-..."; of a GPU
  std::int64_t memory_bytes = 0;  ///< of a GPU, all of it
  std::optional<cuda::Gpu> gpu;
};

/// Every GPU here; throws cuda::ModuleUnavailable where there is no module, driver or GPU.
std::vector<OfferedDevice> gpus();

OfferedDevice processor();

/// `wish`: "cpu", "cuda" (the first), "cuda:I". Throws cuda::ModuleUnavailable where it is not
/// here: what was asked for is never silently changed.
OfferedDevice offered_device(const std::string& wish);

/// For jobs on `device`: all but a sixteenth, for the driver's and the libraries' own, of a GPU's
/// memory; half of this machine's where some engine computes on the CPU, if that is less.
std::int64_t default_budget(const OfferedDevice& device, bool some_on_cpu);

}  // namespace unfold::worker
