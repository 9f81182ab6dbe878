#include "tests/gpu/fourier_bench.h"
#include "workers/cuda/cuda_block.cuh"
#include "workers/cuda/cuda_fft.cuh"

int main(int argc, char** argv) {
  return unfold::bench::fourier_bench<unfold::cuda::Cuda>(argc, argv);
}
