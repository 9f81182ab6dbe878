#include "tests/gpu/fourier_bench.h"
#include "tests/support/emulated_fft.h"

// The GPU's benchmark on host threads that play one: that it runs, not how fast.
int main(int argc, char** argv) {
  return unfold::bench::fourier_bench<unfold::test::Emulated>(argc, argv);
}
