#pragma once

#include <memory>
#include <optional>

#include "common/roots/roots.h"
#include "workers/compute/cpu_device.h"
#include "workers/cuda/loader.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// DESI 2D spectral extraction of one camera's frame (engines/extraction.md): a preproc file and a
/// PSF file in, a frame file and perhaps a model image out. The PSF is the response: its shape is
/// resident under the plan's key, the traces of the files used last beside it. `roots` and `cpu`
/// must outlive the engine. Computes on `gpu` where there is one. Expects a specification
/// that common/plan has filled in; outputs are planned in the order frame, model.
std::unique_ptr<Engine> make_extraction_engine(const Roots& roots, compute::Cpu& cpu,
                                               std::optional<cuda::Gpu> gpu = std::nullopt);

}  // namespace unfold::engine
