#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "workers/cuda/module.h"

namespace unfold::cuda {

/// The module is absent, of another build, or finds no driver. what(): problem (why) [what to do].
struct ModuleUnavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One GPU of a module.
struct Gpu {
  const ModuleTable* module;
  int ordinal;
};

/// Where load_module() looks: UNFOLD_CUDA_MODULE alone where it is set, else beside the program and
/// in ../bin and ../lib/unfold from there.
std::vector<std::string> module_candidates();

/// Opens the module with RTLD_LOCAL and keeps it for the life of the process. Throws
/// ModuleUnavailable. Thread safe.
const ModuleTable& load_module();

/// The same from one file.
const ModuleTable& load_module(const std::string& path);

/// GPUs that the module can use; throws ModuleUnavailable with the driver's reason where it has
/// none.
int count_devices(const ModuleTable& module);

}  // namespace unfold::cuda
