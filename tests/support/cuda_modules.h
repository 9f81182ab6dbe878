#pragma once

#include <cstdlib>
#include <string>

#include "workers/cuda/loader.h"

/// The modules that a suite at the border runs on: types with `static std::string unavailable()` (a
/// reason to skip, or empty) and `static cuda::Gpu gpu()`.
namespace unfold::test {

struct EmulatedGpu {
  static std::string unavailable() { return {}; }
  static cuda::Gpu gpu() { return {&cuda::load_module(UNFOLD_EMULATED_MODULE), 0}; }
};

/// UNFOLD_REQUIRE_GPU makes its absence a failure.
struct RealGpu {
  static std::string unavailable() {
    try {
      if (cuda::count_devices(cuda::load_module()) > 0) return {};
    } catch (const cuda::ModuleUnavailable& e) {
      if (std::getenv("UNFOLD_REQUIRE_GPU") != nullptr) throw;
      return e.what();
    }
    return "no GPU";
  }
  static cuda::Gpu gpu() { return {&cuda::load_module(), 0}; }
};

}  // namespace unfold::test
