#pragma once

#include <complex>
#include <type_traits>
#include <vector>

#include "tests/workers/nufft/direct_sum.h"
#include "workers/nufft/device/device_nufft.h"

namespace unfold::test {

/// A transform with its arrays on the device, spoken to with vectors.
template <class D, class Real, int Parts>
struct DeviceTransform {
  using Value = nufft::Cell<Real, Parts>;
  using Host = std::conditional_t<Parts == 2, std::complex<Real>, Real>;

  D device{0};
  nufft::Edges modes;
  nufft::DeviceNufft<D, Real, Parts> nufft;

  DeviceTransform(const Modes& m, const nufft::DeviceOptions& options, const std::vector<Real>& x)
      : modes(m), nufft(device, m, options) {
    set(x);
  }
  void set(const std::vector<Real>& x) {
    compute::Buffer<Real, D> points(device, static_cast<Index>(x.size()));
    points.upload(x);
    nufft.set_points(points.view(static_cast<Index>(x.size()) / 3, Index{3}));
  }
  std::vector<Host> type1(const std::vector<Host>& c, int sign = +1) {
    return apply(c, size_of(modes), [&](auto* in, auto* out) { nufft.type1(in, out, sign); });
  }
  std::vector<Host> type2(const std::vector<Host>& f, int sign = -1) {
    return apply(f, nufft.points(), [&](auto* in, auto* out) { nufft.type2(in, out, sign); });
  }

 private:
  template <class Call>
  std::vector<Host> apply(const std::vector<Host>& in, Index size, const Call& call) {
    compute::Buffer<Host, D> from(device, static_cast<Index>(in.size())), to(device, size);
    from.upload(in);
    call(reinterpret_cast<const Value*>(from.view(from.size()).data),
         reinterpret_cast<Value*>(to.view(size).data));
    std::vector<Host> out(static_cast<std::size_t>(size));
    to.download(out);
    return out;
  }
};

}  // namespace unfold::test
