#include "workers/cuda/loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "workers/cuda/build_id.h"

namespace unfold::cuda {
namespace fs = std::filesystem;

std::vector<std::string> module_candidates() {
  const char* set = std::getenv("UNFOLD_CUDA_MODULE");
  if (set != nullptr && *set != '\0') return {set};
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path here = program.parent_path();
  return {(here / kModuleFileName).string(), (here / ".." / "bin" / kModuleFileName).string(),
          (here / ".." / "lib" / "unfold" / kModuleFileName).string()};
}

const ModuleTable& load_module(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    throw ModuleUnavailable("cannot open the CUDA module (" + std::string(why ? why : path) +
                            ") [install the module of this build, or use the CPU]");
  }
  const auto entry = reinterpret_cast<ModuleEntry>(dlsym(handle, kModuleEntryName));
  const ModuleTable* table = entry != nullptr ? entry(kBuildId) : nullptr;
  if (table == nullptr) {
    dlclose(handle);
    throw ModuleUnavailable("the CUDA module is of another build (" + path +
                            ") [install worker and module together]");
  }
  return *table;
}

const ModuleTable& load_module() {
  std::string looked;
  for (const std::string& candidate : module_candidates()) {
    if (fs::exists(candidate)) return load_module(candidate);
    looked += (looked.empty() ? "" : ", ") + candidate;
  }
  throw ModuleUnavailable("no CUDA module (looked at " + looked +
                          ") [build with nvcc and -DUNFOLD_CUDA=ON, or use the CPU]");
}

int count_devices(const ModuleTable& module) {
  int count = 0;
  const Outcome outcome = module.count_devices(&count);
  if (outcome.code != OutcomeCode::kOk) {
    throw ModuleUnavailable("no CUDA device (" + std::string(outcome.message) +
                            ") [install an NVIDIA driver, or use the CPU]");
  }
  return count;
}

}  // namespace unfold::cuda
