#include "workers/offered_device.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "workers/cuda/outcome.h"

namespace unfold::worker {
namespace {

constexpr std::int64_t kShareOfDriver = 16;

OfferedDevice gpu(const cuda::ModuleTable& module, int ordinal) {
  cuda::DeviceInfo info{};
  cuda::require(module.describe(ordinal, &info));
  return {.name = absl::StrCat("cuda:", ordinal),
          .description = info.name,
          .uuid = absl::StrCat("GPU-", info.uuid),
          .memory_bytes = static_cast<std::int64_t>(info.memory_bytes),
          .gpu = cuda::Gpu{&module, ordinal}};
}

}  // namespace

std::vector<OfferedDevice> gpus() {
  const cuda::ModuleTable& module = cuda::load_module();
  const int count = cuda::count_devices(module);
  std::vector<OfferedDevice> found;
  for (int ordinal = 0; ordinal < count; ++ordinal) found.push_back(gpu(module, ordinal));
  return found;
}

OfferedDevice processor() {
  OfferedDevice device;
  device.description = "cpu";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    device.description = line.substr(line.find(':') + 2);
    break;
  }
  return device;
}

OfferedDevice offered_device(const std::string& wish) {
  if (wish == "cpu") return processor();
  const cuda::ModuleTable& module = cuda::load_module();
  const int count = cuda::count_devices(module);
  int ordinal = 0;
  if (wish != "cuda" && !absl::SimpleAtoi(absl::StripPrefix(wish, "cuda:"), &ordinal)) ordinal = -1;
  if (ordinal < 0 || ordinal >= count) {
    throw cuda::ModuleUnavailable(absl::StrCat("no GPU ", wish, " (there are ", count,
                                               ") [name one of them, or use the CPU]"));
  }
  return gpu(module, ordinal);
}

std::int64_t default_budget(const OfferedDevice& device, bool some_on_cpu) {
  const std::int64_t half_of_host =
      std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE) / 2;
  if (!device.gpu) return half_of_host;
  const std::int64_t most = device.memory_bytes - device.memory_bytes / kShareOfDriver;
  return some_on_cpu ? std::min(most, half_of_host) : most;
}

}  // namespace unfold::worker
