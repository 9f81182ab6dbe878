#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <span>
#include <vector>

#include "tests/support/emulated_device.h"

namespace unfold::test {

/// A suite of device code, for any Accelerator: its device, and what comes from and goes to it.
/// Skipped where there is none; UNFOLD_REQUIRE_GPU makes that a failure.
template <class D>
class OnDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    int count = 0;
    const cuda::Outcome outcome = D::count(&count);
    if (count > 0) {
      D::use(0);
      return;
    }
    if (std::getenv("UNFOLD_REQUIRE_GPU") != nullptr) FAIL() << outcome.message;
    GTEST_SKIP() << "no GPU (" << outcome.message << ")";
  }

  template <class T>
  static compute::Buffer<T, D> on_device(D& device, const std::vector<T>& host) {
    compute::Buffer<T, D> out(device, static_cast<compute::Index>(host.size()));
    out.upload(std::span<const T>(host));
    return out;
  }
  template <class T>
  static std::vector<T> on_host(const compute::Buffer<T, D>& buffer) {
    std::vector<T> out(static_cast<std::size_t>(buffer.size()));
    buffer.download(out);
    return out;
  }
};

}  // namespace unfold::test
