#include "tests/gpu/spi_matching_bench.h"
#include "tests/support/emulated_half_product.h"

int main(int argc, char** argv) {
  using namespace unfold;  // NOLINT(google-build-using-namespace): a program's own file
  return spi::bench::time_matching<test::Emulated>("emulated",
                                                   spi::bench::parse_matching(argc, argv));
}
