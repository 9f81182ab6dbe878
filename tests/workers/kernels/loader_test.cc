#include "workers/cuda/loader.h"

#include <gmock/gmock.h>

#include <cstdlib>

namespace unfold::cuda {
namespace {

using ::testing::HasSubstr;

TEST(CudaModule, AbsentModuleIsNamedWithTheRemedy) {
  setenv("UNFOLD_CUDA_MODULE", "/nowhere/libunfold_cuda.so", 1);
  try {
    load_module();
    ADD_FAILURE() << "a module that is not there was loaded";
  } catch (const ModuleUnavailable& e) {
    EXPECT_THAT(e.what(), HasSubstr("/nowhere/libunfold_cuda.so"));
    EXPECT_THAT(e.what(), HasSubstr("-DUNFOLD_CUDA=ON"));
  }
  unsetenv("UNFOLD_CUDA_MODULE");
}

TEST(CudaModule, FileThatIsNoModuleIsRefused) {
  EXPECT_THROW(load_module("/proc/self/exe"), ModuleUnavailable);
  EXPECT_THROW(load_module("/proc/self/status"), ModuleUnavailable);
}

TEST(CudaModule, SharedLibraryWithoutTheEntryIsRefused) {
  EXPECT_THROW(load_module("libm.so.6"), ModuleUnavailable);
}

TEST(CudaModule, BuiltModuleIsOfThisBuildAndSaysWhyItFindsNoDevice) {
  const ModuleTable* module = nullptr;
  try {
    module = &load_module();
  } catch (const ModuleUnavailable& e) {
    GTEST_SKIP() << e.what();
  }
  int count = -1;
  const Outcome outcome = module->count_devices(&count);
  if (outcome.code == OutcomeCode::kOk) {
    DeviceInfo info{};
    EXPECT_GT(count, 0);
    EXPECT_EQ(module->describe(0, &info).code, OutcomeCode::kOk);
    EXPECT_GT(info.memory_bytes, 0u);
  } else {
    EXPECT_EQ(outcome.code, OutcomeCode::kNoDevice);
    EXPECT_STRNE(outcome.message, "");
    EXPECT_THROW(count_devices(*module), ModuleUnavailable);
  }
}

}  // namespace
}  // namespace unfold::cuda
