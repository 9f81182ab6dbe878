#include "tests/gpu/spi_matching_bench.h"
#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/half_product.cuh"

int main(int argc, char** argv) {
  using namespace unfold;  // NOLINT(google-build-using-namespace): a program's own file
  cuda::DeviceInfo info{};
  cuda::Cuda::use(0);
  cuda::Cuda::describe(0, &info);
  return spi::bench::time_matching<cuda::Cuda>(info.name, spi::bench::parse_matching(argc, argv));
}
