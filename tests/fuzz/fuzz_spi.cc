#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  unfold::fuzz::read_spi_file(std::as_bytes(std::span(data, size)));
  return 0;
}
