#pragma once

#include <memory>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/merging.h"

namespace unfold::spi {

/// Right-hand side and kernel of merging's normal equations (merging.h), over all ranks.
struct NormalEquations {
  std::vector<double> right;  ///< [M^3] d
  std::vector<double> lags;   ///< [(2M - 1)^3] C's kernel, centred at M - 1
  double total = 0;           ///< N
};

/// Of both sets of frames. Sizes must agree.
NormalEquations together(const NormalEquations& a, const NormalEquations& b);

/// Sums frames into normal equations by non-uniform transforms; points that come again as they
/// were last time are not sorted again.
class NormalSums {
 public:
  /// `device` may be null.
  NormalSums(compute::Cpu& cpu, Index grid, const Detector& detector, MergeDevice* device);
  ~NormalSums();
  NormalEquations operator()(const Merged& merged, double tolerance,
                             compute::Communicator& communicator);

  /// The same at one precision.
  class Transforms {
   public:
    virtual ~Transforms() = default;
    /// Added to.
    virtual void add(const Merged& merged, NormalEquations& sums) = 0;
  };

 private:
  compute::Cpu& cpu_;
  Index grid_;
  const Detector& detector_;
  MergeDevice* device_;
  double tolerance_ = 0;
  std::unique_ptr<Transforms> transforms_;
};

}  // namespace unfold::spi
