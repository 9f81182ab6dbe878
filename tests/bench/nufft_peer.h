#pragma once

#include <dlfcn.h>

#include <complex>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "workers/nufft/nufft.h"

namespace unfold::bench {

/// FINUFFT by its C interface, from a shared library that the caller names; one plan with its
/// points. Threads: as its own environment says (OMP_NUM_THREADS).
template <class Real>
class Peer {
 public:
  Peer(const std::string& library, int type, const nufft::Modes& modes, double tolerance,
       const std::vector<Real>& points) {
    handle_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    const std::string prefix = sizeof(Real) == 4 ? "finufftf_" : "finufft_";
    const auto make = reinterpret_cast<int (*)(int, int, const std::int64_t*, int, int, Real,
                                               void**, const void*)>(find(prefix + "makeplan"));
    const auto set =
        reinterpret_cast<int (*)(void*, std::int64_t, const Real*, const Real*, const Real*,
                                 std::int64_t, const Real*, const Real*, const Real*)>(
            find(prefix + "setpts"));
    execute_ = reinterpret_cast<Execute>(find(prefix + "execute"));
    destroy_ = reinterpret_cast<int (*)(void*)>(find(prefix + "destroy"));
    // Its first axis is the contiguous one.
    const std::int64_t sizes[] = {modes[2], modes[1], modes[0]};
    check(make(type, 3, sizes, type == 1 ? +1 : -1, 1, static_cast<Real>(tolerance), &plan_,
               nullptr));
    for (std::size_t p = 0; p < points.size(); p += 3)
      for (std::size_t d = 0; d < 3; ++d) axis_[2 - d].push_back(points[p + d]);
    check(set(plan_, static_cast<std::int64_t>(axis_[0].size()), axis_[0].data(), axis_[1].data(),
              axis_[2].data(), 0, nullptr, nullptr, nullptr));
  }
  ~Peer() {
    if (plan_ != nullptr) destroy_(plan_);
    if (handle_ != nullptr) dlclose(handle_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void operator()(std::complex<Real>* c, std::complex<Real>* f) { check(execute_(plan_, c, f)); }

 private:
  using Execute = int (*)(void*, std::complex<Real>*, std::complex<Real>*);

  void* find(const std::string& name) const {
    void* found = dlsym(handle_, name.c_str());
    if (found == nullptr) throw std::runtime_error(dlerror());
    return found;
  }
  static void check(int status) {
    if (status > 1) throw std::runtime_error("the peer failed");  // 1 is a warning
  }

  void* handle_ = nullptr;
  void* plan_ = nullptr;
  Execute execute_ = nullptr;
  int (*destroy_)(void*) = nullptr;
  std::vector<Real> axis_[3];
};

}  // namespace unfold::bench
