#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/simulate/imaging.h"
#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/reconstruct.h"
#include "workers/kernels/imaging/responses.h"

namespace unfold::physics {

/// A simulated telescope and sky whose noise can be drawn again and again. Everything that does not
/// change with the noise is made once. Not thread safe.
class Observatory {
 public:
  explicit Observatory(const simulate::ImagingOptions& options,
                       imaging::Storage storage = imaging::Storage::kFp32);

  /// Counts of one noise seed, as a job holds them; refers to the observatory.
  class Observation {
   public:
    Observation(const Observatory& observatory, std::uint64_t seed);
    Observation(const Observation&) = delete;
    Observation& operator=(const Observation&) = delete;
    const imaging::Problem& problem() const { return problem_; }

   private:
    imaging::Events events_;
    imaging::Background background_;
    std::vector<double> counts_;
    imaging::Problem problem_;
  };
  Observation observe(std::uint64_t seed) const { return Observation(*this, seed); }

  const std::vector<double>& truth() const { return truth_; }
  const std::vector<double>& exposure() const { return exposure_; }
  const imaging::SkyGeometry& sky() const { return sky_; }
  const imaging::Operator& response() const { return *response_; }
  /// Pixels with more than a tenth of the largest exposure.
  const std::vector<std::size_t>& well_exposed() const { return well_exposed_; }
  /// Root of the mean squared difference from the truth over the well exposed pixels.
  double rms_error(const std::vector<double>& image) const;
  /// What the truth has in a region.
  double true_flux(const imaging::Region& region) const;

 private:
  simulate::ImagingScene scene_;
  mutable compute::Cpu cpu_;
  mutable compute::SoloCommunicator solo_;
  std::unique_ptr<imaging::Operator> response_;
  imaging_data::BackgroundTemplate template_;
  std::vector<std::int32_t> group_;
  std::vector<double> background_sums_;
  std::vector<double> truth_, exposure_;
  imaging::SkyGeometry sky_;
  std::vector<std::size_t> well_exposed_;
};

/// UNFOLD_LONG=1: the full counts of the issue.
bool long_run();

}  // namespace unfold::physics
