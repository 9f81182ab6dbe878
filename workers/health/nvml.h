#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "workers/health/sensors.h"

namespace unfold::health {

/// The library is absent or does not know the GPU. what(): problem (why) [what to do].
struct NvmlUnavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A GPU's sensors through NVML, which is opened at run time: libnvidia-ml.so.1, or the file that
/// UNFOLD_NVML names. Needs no privilege. `uuid` as NVML has it, "GPU-...". What the GPU or an
/// older NVML does not tell is absent from the readings. Throws NvmlUnavailable.
std::unique_ptr<Sensors> open_nvml(const std::string& uuid);

}  // namespace unfold::health
