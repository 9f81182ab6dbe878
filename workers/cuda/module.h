#pragma once

/// What crosses the border between a worker and libunfold_cuda.so: plain structs and pointers to
/// host memory. No exception, allocation or class crosses it; both sides are of one build, which
/// the build id checks.
namespace unfold::cuda {

inline constexpr int kMessageSize = 256;

enum class OutcomeCode : int { kOk = 0, kNoDevice = 1, kOutOfMemory = 2, kDeviceError = 3 };

struct Outcome {
  OutcomeCode code = OutcomeCode::kOk;
  char message[kMessageSize] = {};
};

struct DeviceInfo {
  char name[kMessageSize];
  char uuid[40];
  unsigned long long memory_bytes;
  int compute_major, compute_minor;
};

/// PSF stamps of all fibres at all wavelengths (extraction::MakeStamp); host arrays.
struct StampProblem {
  int n_row, n_fibre, n_wave, n_coef;
  int degree_x, degree_y, height, width;
  const double* coef;      ///< [n_row, n_fibre, n_coef]
  const double* basis;     ///< [n_coef, n_wave]
  const double* offset_x;  ///< [n_fibre, n_wave]
  const double* offset_y;  ///< [n_fibre, n_wave]
  double* stamps;          ///< [n_fibre, n_wave, height, width], written before the call returns
};

/// Every function is thread safe and returns when its device work is done.
struct ModuleTable {
  /// kNoDevice with the reason where there is no driver or no GPU.
  Outcome (*count_devices)(int* count);
  Outcome (*describe)(int ordinal, DeviceInfo* info);
  Outcome (*make_stamps)(int ordinal, const StampProblem* problem);
};

/// The module's only export. Null where `build_id` is not the module's own.
using ModuleEntry = const ModuleTable* (*)(const char* build_id);
inline constexpr char kModuleEntryName[] = "unfold_cuda_module";
inline constexpr char kModuleFileName[] = "libunfold_cuda.so";

}  // namespace unfold::cuda
