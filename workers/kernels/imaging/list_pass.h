#pragma once

#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/kernels.h"
#include "workers/kernels/imaging/row_model.h"

namespace unfold::imaging {

/// From so many replicates on, kLanes of them go through the response side by side.
inline constexpr Index kFewestBatched = 4;

/// Replicates first_replicate .. of a pass: one, or up to kLanes.
struct PassTask {
  const Events& events;
  const Background& background;
  const Pass& pass;
  Index first_replicate;
};

/// Throws std::invalid_argument where sizes disagree.
void check_pass(Shape shape, const Events& events, const Background& background, const Pass& pass);
PassResult empty_result(Shape shape, const Background& background, const Pass& pass);

/// Writes the task's replicates into the result.
template <class Real, int kWide>
void add_pass(const RowModel<Real>& model, const KernelTable& table, compute::Cpu& cpu,
              const PassTask& task, PassResult* result);

}  // namespace unfold::imaging
