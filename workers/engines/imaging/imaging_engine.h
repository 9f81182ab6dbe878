#pragma once

#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "common/roots/roots.h"
#include "workers/compute/cpu_device.h"
#include "workers/cuda/loader.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// A Compton telescope's image (engines/imaging.md) on host threads or on `gpu`, where there is
/// one: counts, response, attitude and background in; a map, and perhaps a FITS map and a picture,
/// out. The response is resident under the plan's key, attitudes and background templates beside it
/// by their file's identity. While it computes it leaves checkpoints beside its output, which the
/// next attempt goes on from; forget() removes them. `roots` and `cpu` must outlive the engine.
/// Expects a specification that common/plan has filled in.
std::unique_ptr<Engine> make_imaging_engine(const Roots& roots, compute::Cpu& cpu,
                                            std::shared_ptr<const Clock> clock,
                                            std::optional<cuda::Gpu> gpu = std::nullopt);

}  // namespace unfold::engine
