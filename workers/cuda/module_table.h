#pragma once

#include <cstring>

#include "workers/cuda/build_id.h"
#include "workers/cuda/outcome.h"

namespace unfold::cuda {

/// An engine's part of the table. Defined in ENGINE_module.inl.h, which ENGINE.cu compiles for GPUs
/// and tests/support/emulated_ENGINE.cc for emulated ones.
template <class D>
ExtractionTable extraction_table();
template <class D>
FourierTable fourier_table();
template <class D>
ImagingTable imaging_table();
template <class D>
SpiTable spi_table();

/// The module's table for device `D`, an Accelerator with
///   D(int ordinal), static Outcome count(int*), static void describe(int, DeviceInfo*),
///   static void use(int ordinal)
/// module.cu makes it of GPUs, tests/support/emulated_module.cc of emulated ones.
template <class D>
const ModuleTable* module_table(const char* build_id) {
  static const ModuleTable kTable{
      .count_devices = [](int* count) { return D::count(count); },
      .describe =
          [](int ordinal, DeviceInfo* info) {
            return guarded<D>(ordinal, [&] { D::describe(ordinal, info); });
          },
      .extraction = extraction_table<D>(),
      .fourier = fourier_table<D>(),
      .imaging = imaging_table<D>(),
      .spi = spi_table<D>(),
  };
  return std::strcmp(build_id, kBuildId) == 0 ? &kTable : nullptr;
}

}  // namespace unfold::cuda
