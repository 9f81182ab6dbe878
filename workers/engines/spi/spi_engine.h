#pragma once

#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "common/roots/roots.h"
#include "workers/compute/cpu_device.h"
#include "workers/cuda/loader.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// Single-particle imaging (engines/spi.md) on host threads: patterns of unknown orientation in; a
/// density, and perhaps an MRC map, a picture and Dragonfly's files, out. The patterns with their
/// detector are resident under the plan's key. While it computes it leaves checkpoints beside its
/// output, which the next attempt goes on from; forget() removes them. A reference is compared with
/// the finished density and has no part in making it. `roots` and `cpu` must outlive the engine.
/// Merging and phasing run on `gpu`, where there is one; device() says cpu until matching does,
/// too. Expects a specification that common/plan has filled in.
std::unique_ptr<Engine> make_spi_engine(const Roots& roots, compute::Cpu& cpu,
                                        std::shared_ptr<const Clock> clock,
                                        std::optional<cuda::Gpu> gpu = std::nullopt);

}  // namespace unfold::engine
