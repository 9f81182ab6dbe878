#pragma once

#include <chrono>
#include <thread>

namespace unfold::test {

/// Polls until condition() is true; false when it never was within `patience`. For what another
/// process or thread does: the bound says when waiting is hopeless, not how fast it should be.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds patience = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace unfold::test
