#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/imaging/source.h"
#include "unfold/v1/types.pb.h"
#include "workers/cuda/imaging_operator.h"
#include "workers/kernels/imaging/responses.h"
#include "workers/residency/response_cache.h"

namespace unfold::engine {

/// What imaging keeps from job to job: in host memory, or (where loaded with a Gpu) on that GPU.

/// One of the three is set.
class ResidentImagingResponse final : public residency::Response {
 public:
  std::shared_ptr<const imaging::FactoredResponse> factored;
  std::shared_ptr<const imaging::DenseResponse> dense;
  std::shared_ptr<const cuda::GpuResponse> on_gpu;
  std::int64_t bytes() const override;
};

/// One of the two is set.
class ResidentAttitude final : public residency::Response {
 public:
  std::shared_ptr<const imaging::Attitude> attitude;
  std::shared_ptr<const cuda::GpuAttitude> on_gpu;
  std::int64_t bytes() const override;
};

class ResidentBackground final : public residency::Response {
 public:
  imaging_data::Background background;
  std::vector<double> sums;  ///< [C, T] over bins
  std::int64_t bytes() const override;
};

/// Told after each piece of a response with the rows read so far; an error ends the load.
using LoadStep = std::function<absl::Status(std::int64_t rows, std::int64_t of)>;

/// Reads a response into the storage asked for, and takes it to `gpu` (null: it stays in host
/// memory). The builders' std::invalid_argument and the device's errors pass.
absl::StatusOr<std::shared_ptr<const residency::Response>> load_response(
    const imaging_data::Source& source, v1::ResponseStorage storage, const LoadStep& step,
    const cuda::Gpu* gpu);
absl::StatusOr<std::shared_ptr<const residency::Response>> load_attitude(
    const imaging_data::Source& source, const cuda::Gpu* gpu);
absl::StatusOr<std::shared_ptr<const residency::Response>> load_background(
    const imaging_data::Source& source, const std::vector<std::string>& names);

}  // namespace unfold::engine
