// An NVML whose GPU is a text file: UNFOLD_FAKE_NVML names it, every call reads it anew. Lines of
//   uuid GPU-...  temperature C  power MILLIWATT  utilization PERCENT  total BYTES  used BYTES
//   throttling MASK  corrected N  uncorrected N  lost 1  xid NUMBER (each is one event, in order)
// What a line is missing for is not supported. UNFOLD_NVML names this library to a worker.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "workers/health/nvml_api.h"

namespace {

namespace nvml = unfold::health::nvml;

constexpr int kNotFound = 6;

struct FakeGpu {
  std::string uuid;
  std::map<std::string, unsigned long long> values;
  std::vector<unsigned long long> xids;
};

FakeGpu gpu() {
  FakeGpu out;
  const char* file = std::getenv("UNFOLD_FAKE_NVML");
  std::ifstream lines(file != nullptr ? file : "");
  for (std::string name, value; lines >> name >> value;) {
    if (name == "uuid") {
      out.uuid = value;
    } else if (name == "xid") {
      out.xids.push_back(std::stoull(value));
    } else {
      out.values[name] = std::stoull(value, nullptr, 0);
    }
  }
  return out;
}

template <class Number>
int give(const char* name, Number* to) {
  const FakeGpu fake = gpu();
  if (fake.values.contains("lost")) return nvml::kGpuIsLost;
  const auto found = fake.values.find(name);
  if (found == fake.values.end()) return nvml::kNotSupported;
  *to = static_cast<Number>(found->second);
  return nvml::kSuccess;
}

}  // namespace

// A C interface: its names are NVIDIA's.
extern "C" {

struct EventSetState {
  std::size_t told = 0;
};

int nvmlInit_v2() { return nvml::kSuccess; }
int nvmlShutdown() { return nvml::kSuccess; }
const char* nvmlErrorString(int code) { return code == kNotFound ? "Not Found" : "Fake Error"; }

int nvmlDeviceGetHandleByUUID(const char* uuid, nvml::Device* device) {
  static char the_gpu;
  *device = reinterpret_cast<nvml::Device>(&the_gpu);
  return gpu().uuid == uuid ? static_cast<int>(nvml::kSuccess) : kNotFound;
}
int nvmlDeviceGetTemperature(nvml::Device, int, unsigned* out) { return give("temperature", out); }
int nvmlDeviceGetPowerUsage(nvml::Device, unsigned* out) { return give("power", out); }
int nvmlDeviceGetUtilizationRates(nvml::Device, nvml::Utilization* out) {
  return give("utilization", &out->gpu);
}
int nvmlDeviceGetMemoryInfo(nvml::Device, nvml::Memory* out) {
  const int total = give("total", &out->total);
  return total != nvml::kSuccess ? total : give("used", &out->used);
}
int nvmlDeviceGetTotalEccErrors(nvml::Device, int type, int, unsigned long long* out) {
  return give(type == nvml::kCorrected ? "corrected" : "uncorrected", out);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(nvml::Device, unsigned long long* out) {
  return give("throttling", out);
}

int nvmlEventSetCreate(nvml::EventSet* set) {
  *set = reinterpret_cast<nvml::EventSet>(new EventSetState);
  return nvml::kSuccess;
}
int nvmlDeviceRegisterEvents(nvml::Device, unsigned long long types, nvml::EventSet) {
  return types == nvml::kXidEvent ? nvml::kSuccess : nvml::kNotSupported;
}
int nvmlEventSetWait_v2(nvml::EventSet set, nvml::EventData* data, unsigned) {
  auto& state = *reinterpret_cast<EventSetState*>(set);
  const FakeGpu fake = gpu();
  if (state.told >= fake.xids.size()) return nvml::kTimeout;
  data->type = nvml::kXidEvent;
  data->data = fake.xids[state.told++];
  return nvml::kSuccess;
}
int nvmlEventSetFree(nvml::EventSet set) {
  delete reinterpret_cast<EventSetState*>(set);
  return nvml::kSuccess;
}

}  // extern "C"
