#include "workers/engines/imaging/operator_of.h"

namespace unfold::engine {

std::unique_ptr<imaging::Operator> operator_of(const imaging_data::Header& header,
                                               const ResidentImagingResponse& response,
                                               const ResidentAttitude* attitude,
                                               compute::Cpu& cpu) {
  const imaging::Shape shape{header.times, header.sky.pixels() * header.energies, header.bins};
  if (response.on_gpu != nullptr && attitude == nullptr) {
    return cuda::make_dense_operator(response.on_gpu, shape);
  }
  if (response.on_gpu != nullptr) {
    return cuda::make_factored_operator(response.on_gpu, attitude->on_gpu, shape,
                                        header.sky.solid_angle);
  }
  if (attitude == nullptr) return imaging::make_dense_operator(response.dense, cpu);
  return imaging::make_factored_operator(response.factored, attitude->attitude,
                                         header.sky.solid_angle, cpu);
}

}  // namespace unfold::engine
