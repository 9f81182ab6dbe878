// Between the sky and instrument directions. Included inside the namespace of one instruction set.

/// Calls f(direction, pixel, live_time * weight). Entries come from far and in one stream, which
/// is asked for ahead: hardware stops at each page.
template <class Real, class F>
inline void each_entry(const Lookups& at, const F& f) {
  constexpr Size kAhead = 2048, kLine = 16;
  const Real live = static_cast<Real>(at.live_time);
  const std::uint32_t* entry = at.entry;
  const std::uint32_t* const end = entry + at.size;
  if (at.weight == nullptr) {
    for (; end - entry >= kLine; entry += kLine) {
      __builtin_prefetch(entry + kAhead);
      for (Size i = 0; i < kLine; ++i) f(entry[i] & 0xffff, entry[i] >> 16, live);
    }
    for (; entry < end; ++entry) f(*entry & 0xffff, *entry >> 16, live);
  } else {
    for (const float* weight = at.weight; entry < end; ++entry, ++weight) {
      f(*entry & 0xffff, *entry >> 16, live * static_cast<Real>(*weight));
    }
  }
}

/// to[.., kLanes] += scale from[.., kLanes]
template <class Real>
inline void add_lanes(Real* to, Real scale, const Real* from) {
  for (Size lane = 0; lane < kLanes; lane += Simd<Real>::kSize) {
    store(to + lane, load(to + lane) + scale * load(from + lane));
  }
}

template <class Real>
static void spread(const Lookups& at, const Real* image, Real* w) {
  each_entry<Real>(at, [&](std::size_t k, std::size_t p, Real scale) { w[k] += scale * image[p]; });
}

template <class Real>
static void gather(const Lookups& at, const Real* sum, Real* image) {
  each_entry<Real>(at,
                   [&](std::size_t k, std::size_t p, Real scale) { image[p] += scale * sum[k]; });
}

template <class Real>
static void spread_lanes(const Lookups& at, const Real* image, Real* w) {
  each_entry<Real>(at, [&](std::size_t k, std::size_t p, Real scale) {
    add_lanes(w + k * kLanes, scale, image + p * kLanes);
  });
}

template <class Real>
static void gather_lanes(const Lookups& at, const Real* sum, Real* image) {
  each_entry<Real>(at, [&](std::size_t k, std::size_t p, Real scale) {
    add_lanes(image + p * kLanes, scale, sum + k * kLanes);
  });
}

template <class Real>
static void multiply(const Real* unit, Size n, Real* values) {
  Size k = 0;
  for (; k + Simd<Real>::kSize <= n; k += Simd<Real>::kSize) {
    store(values + k, load(values + k) * load(unit + k));
  }
  for (; k < n; ++k) values[k] *= unit[k];
}

template <class Real>
static void multiply_lanes(const Real* unit, Size n, Real* values) {
  for (Size k = 0; k < n; ++k) {
    for (Size lane = 0; lane < kLanes; lane += Simd<Real>::kSize) {
      Real* at = values + k * kLanes + lane;
      store(at, load(at) * unit[k]);
    }
  }
}
