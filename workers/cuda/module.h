#pragma once

#include "workers/cuda/border.h"
#include "workers/cuda/extraction_border.h"
#include "workers/cuda/fourier_border.h"
#include "workers/cuda/imaging_border.h"
#include "workers/cuda/spi_border.h"

/// What crosses the border between a worker and libunfold_cuda.so: plain structs and pointers to
/// host memory. No exception, allocation or class crosses it; both sides are of one build, which
/// the build id checks.
namespace unfold::cuda {

/// Every function is thread safe and returns when its device work is done.
struct ModuleTable {
  /// kNoDevice with the reason where there is no driver or no GPU.
  Outcome (*count_devices)(int* count);
  Outcome (*describe)(int ordinal, DeviceInfo* info);
  ExtractionTable extraction;
  FourierTable fourier;
  ImagingTable imaging;
  SpiTable spi;
};

/// The module's only export. Null where `build_id` is not the module's own.
using ModuleEntry = const ModuleTable* (*)(const char* build_id);
inline constexpr char kModuleEntryName[] = "unfold_cuda_module";
inline constexpr char kModuleFileName[] = "libunfold_cuda.so";

}  // namespace unfold::cuda
