#include "workers/health/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "workers/health/nvml_api.h"

namespace unfold::health {
namespace nvml {
namespace {

class Library {
 public:
  explicit Library(const std::string& file) : handle_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) {
      const char* why = dlerror();
      throw NvmlUnavailable(absl::StrCat("cannot open NVML (", why != nullptr ? why : file,
                                         ") [install the NVIDIA driver's libnvidia-ml]"));
    }
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// Null where this version has none of that name.
  template <class Function>
  Function* find(const char* name) const {
    return reinterpret_cast<Function*>(dlsym(handle_, name));
  }
  template <class Function>
  Function* require(const char* name) const {
    if (auto* found = find<Function>(name)) return found;
    throw NvmlUnavailable(absl::StrCat("NVML lacks a function (", name, ") [update the driver]"));
  }

 private:
  void* handle_;
};

class NvmlSensors final : public Sensors {
 public:
  NvmlSensors(const std::string& file, const std::string& uuid);
  ~NvmlSensors() override;

  Reading read() override;
  std::optional<unsigned> next_xid(Duration at_most) override;

 private:
  std::string why(int code) const;
  void watch_xids();
  v1::EccErrors ecc(EccCounter counter);
  /// Notes when the GPU is lost; true where it told.
  bool told(int code) {
    lost_ = lost_ || code == kGpuIsLost;
    return code == kSuccess;
  }
  template <class Function, class... Arguments>
  bool ask(Function* function, Arguments... arguments) {
    return function != nullptr && told(function(device_, arguments...));
  }

  Library library_;
  Device device_ = nullptr;
  EventSet events_ = nullptr;
  bool lost_ = false;

  int (*shutdown_)() = library_.require<int()>("nvmlShutdown");
  int (*temperature_)(Device, int, unsigned*) =
      library_.find<int(Device, int, unsigned*)>("nvmlDeviceGetTemperature");
  int (*power_)(Device,
                unsigned*) = library_.find<int(Device, unsigned*)>("nvmlDeviceGetPowerUsage");
  int (*utilization_)(Device, Utilization*) =
      library_.find<int(Device, Utilization*)>("nvmlDeviceGetUtilizationRates");
  int (*memory_)(Device, Memory*) = library_.find<int(Device, Memory*)>("nvmlDeviceGetMemoryInfo");
  int (*ecc_)(Device, int, int, unsigned long long*) =
      library_.find<int(Device, int, int, unsigned long long*)>("nvmlDeviceGetTotalEccErrors");
  int (*throttling_)(Device, unsigned long long*) =
      library_.find<int(Device, unsigned long long*)>("nvmlDeviceGetCurrentClocksThrottleReasons");
  int (*wait_)(EventSet, EventData*, unsigned) =
      library_.find<int(EventSet, EventData*, unsigned)>("nvmlEventSetWait_v2");
};

NvmlSensors::NvmlSensors(const std::string& file, const std::string& uuid) : library_(file) {
  if (const int code = library_.require<int()>("nvmlInit_v2")(); code != kSuccess) {
    throw NvmlUnavailable(
        absl::StrCat("NVML does not start (", why(code), ") [load the NVIDIA driver]"));
  }
  const auto by_uuid = library_.require<int(const char*, Device*)>("nvmlDeviceGetHandleByUUID");
  if (const int code = by_uuid(uuid.c_str(), &device_); code != kSuccess) {
    shutdown_();
    throw NvmlUnavailable(absl::StrCat("NVML does not know the GPU ", uuid, " (", why(code),
                                       ") [make it visible here: container, cgroup]"));
  }
  watch_xids();
}

NvmlSensors::~NvmlSensors() {
  const auto free_set = library_.find<int(EventSet)>("nvmlEventSetFree");
  if (events_ != nullptr && free_set != nullptr) free_set(events_);
  shutdown_();
}

std::string NvmlSensors::why(int code) const {
  const auto text = library_.find<const char*(int)>("nvmlErrorString");
  return text != nullptr ? text(code) : absl::StrCat("error ", code);
}

/// Where the GPU has no events, there are no Xids to be told.
void NvmlSensors::watch_xids() {
  const auto create = library_.find<int(EventSet*)>("nvmlEventSetCreate");
  const auto watch =
      library_.find<int(Device, unsigned long long, EventSet)>("nvmlDeviceRegisterEvents");
  if (create == nullptr || watch == nullptr || wait_ == nullptr) return;
  if (create(&events_) != kSuccess) events_ = nullptr;
  if (events_ == nullptr || watch(device_, kXidEvent, events_) == kSuccess) return;
  if (const auto free_set = library_.find<int(EventSet)>("nvmlEventSetFree")) free_set(events_);
  events_ = nullptr;
}

std::optional<unsigned> NvmlSensors::next_xid(Duration at_most) {
  if (events_ == nullptr) return std::nullopt;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(at_most).count();
  EventData event{};
  const bool came = told(wait_(events_, &event, static_cast<unsigned>(wait)));
  if (!came || event.type != kXidEvent) return std::nullopt;
  return static_cast<unsigned>(event.data);
}

v1::EccErrors NvmlSensors::ecc(EccCounter counter) {
  v1::EccErrors errors;
  unsigned long long count = 0;
  if (ask(ecc_, kCorrected, counter, &count)) {
    errors.set_corrected(static_cast<std::int64_t>(count));
  }
  if (ask(ecc_, kUncorrected, counter, &count)) {
    errors.set_uncorrected(static_cast<std::int64_t>(count));
  }
  return errors;
}

void add_throttling(unsigned long long reasons, v1::DeviceHealth& health) {
  if ((reasons & (kSoftwarePower | kPowerBrake)) != 0) health.add_throttling("power");
  if ((reasons & (kSoftwareThermal | kHardwareThermal)) != 0) health.add_throttling("thermal");
  if ((reasons & kHardware) != 0) health.add_throttling("hardware");
  if ((reasons & kSyncBoost) != 0) health.add_throttling("other");
}

Reading NvmlSensors::read() {
  constexpr double kMilli = 1e-3;
  constexpr double kPercent = 1e-2;
  Reading reading;
  v1::DeviceHealth& health = reading.health;
  unsigned value = 0;
  if (ask(temperature_, kTemperatureOfGpu, &value)) health.set_temperature_celsius(value);
  if (ask(power_, &value)) health.set_power_watts(value * kMilli);
  Utilization utilization{};
  if (ask(utilization_, &utilization)) health.set_utilization(utilization.gpu * kPercent);
  Memory memory{};
  if (ask(memory_, &memory)) {
    health.set_memory_total_bytes(static_cast<std::int64_t>(memory.total));
    health.set_memory_used_bytes(static_cast<std::int64_t>(memory.used));
  }
  unsigned long long reasons = 0;
  if (ask(throttling_, &reasons)) add_throttling(reasons, health);
  *health.mutable_ecc_volatile() = ecc(kVolatile);
  *health.mutable_ecc_aggregate() = ecc(kAggregate);
  reading.lost = lost_;
  return reading;
}

}  // namespace
}  // namespace nvml

std::unique_ptr<Sensors> open_nvml(const std::string& uuid) {
  const char* set = std::getenv("UNFOLD_NVML");
  const bool given = set != nullptr && *set != '\0';
  return std::make_unique<nvml::NvmlSensors>(given ? set : "libnvidia-ml.so.1", uuid);
}

}  // namespace unfold::health
