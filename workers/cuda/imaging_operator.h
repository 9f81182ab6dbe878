#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "workers/cuda/loader.h"
#include "workers/kernels/imaging/operator.h"
#include "workers/kernels/imaging/responses.h"

/// Imaging's responses and operators on a GPU, through its module. Everything here throws
/// compute::OutOfMemory or compute::DeviceError where the device does.
namespace unfold::cuda {

/// What lies on a GPU until its last holder lets go of it. Immutable.
class GpuHandle {
 public:
  GpuHandle(const Gpu& gpu, void* handle, std::size_t bytes)
      : gpu_(gpu), handle_(handle), bytes_(bytes) {}
  ~GpuHandle() { gpu_.module->imaging.release(gpu_.ordinal, handle_); }
  GpuHandle(const GpuHandle&) = delete;
  GpuHandle& operator=(const GpuHandle&) = delete;

  const Gpu& gpu() const { return gpu_; }
  void* get() const { return handle_; }
  /// 0 where it holds next to nothing.
  std::int64_t bytes() const { return static_cast<std::int64_t>(bytes_); }

 private:
  Gpu gpu_;
  void* handle_;
  std::size_t bytes_;
};

struct GpuResponse : GpuHandle {
  using GpuHandle::GpuHandle;
};
struct GpuAttitude : GpuHandle {
  using GpuHandle::GpuHandle;
};

/// Copies of responses and attitudes, resident; the host's may go.
std::shared_ptr<const GpuResponse> load_response(const Gpu& gpu,
                                                 const imaging::FactoredResponse& host);
std::shared_ptr<const GpuResponse> load_response(const Gpu& gpu,
                                                 const imaging::DenseResponse& host);
std::shared_ptr<const GpuAttitude> load_attitude(const Gpu& gpu, const imaging::Attitude& host);

/// As make_factored_operator and make_dense_operator of imaging/responses.h, with their errors.
std::unique_ptr<imaging::Operator> make_factored_operator(
    std::shared_ptr<const GpuResponse> response, std::shared_ptr<const GpuAttitude> attitude,
    imaging::Shape shape, const std::vector<double>& solid_angle);
std::unique_ptr<imaging::Operator> make_dense_operator(std::shared_ptr<const GpuResponse> response,
                                                       imaging::Shape shape);

}  // namespace unfold::cuda
