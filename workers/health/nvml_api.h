#pragma once

/// The few functions of NVML that are used here, as NVIDIA's API reference declares them; the
/// header is not needed to build.
namespace unfold::health::nvml {

using Device = struct DeviceHandle*;
using EventSet = struct EventSetHandle*;

enum Return : int { kSuccess = 0, kNotSupported = 3, kTimeout = 10, kGpuIsLost = 15 };

struct Memory {
  unsigned long long total, free, used;
};
struct Utilization {
  unsigned gpu, memory;  ///< per cent
};
struct EventData {
  Device device;
  unsigned long long type, data;  ///< data: the Xid
  unsigned gpu_instance, compute_instance;
};
inline constexpr unsigned long long kXidEvent = 0x8;
inline constexpr int kTemperatureOfGpu = 0;
enum MemoryErrorType : int { kCorrected = 0, kUncorrected = 1 };
enum EccCounter : int { kVolatile = 0, kAggregate = 1 };

/// Reasons for lower clocks; 0x1 (idle), 0x2 and 0x100 (as set by a person) are none.
inline constexpr unsigned long long kSoftwarePower = 0x4;
inline constexpr unsigned long long kHardware = 0x8;
inline constexpr unsigned long long kSyncBoost = 0x10;
inline constexpr unsigned long long kSoftwareThermal = 0x20;
inline constexpr unsigned long long kHardwareThermal = 0x40;
inline constexpr unsigned long long kPowerBrake = 0x80;

}  // namespace unfold::health::nvml
