// Products with rows of the response. Included inside the namespace of one instruction set, after
// simd_N.inl.h.

template <class Real>
struct Simd;
template <>
struct Simd<float> {
  typedef VecF Vec;
  static constexpr Size kSize = sizeof(VecF) / sizeof(float);
  static constexpr int kFolded = 4;
};
template <>
struct Simd<double> {
  typedef VecD Vec;
  static constexpr Size kSize = sizeof(VecD) / sizeof(double);
  static constexpr int kFolded = 2;
};

inline VecF load(const float* p) {
  VecF v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline VecD load(const double* p) {
  VecD v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class Real, class Vec>
inline void store(Real* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof v);
}

/// One stored type: a vector of Reals from elements k, k + 1, ...
struct F64 {
  typedef double Real;
  static constexpr bool kStoredAsReal = true;
  static VecD read(const void* row, Size k) { return load(static_cast<const double*>(row) + k); }
};
struct F32 {
  typedef float Real;
  static constexpr bool kStoredAsReal = true;
  static VecF read(const void* row, Size k) { return load(static_cast<const float*>(row) + k); }
};
struct F16 {
  typedef float Real;
  static constexpr bool kStoredAsReal = false;
  static VecF read(const void* row, Size k) {
    return from_half(static_cast<const unsigned short*>(row) + k);
  }
};
struct U8 {
  typedef float Real;
  static constexpr bool kStoredAsReal = false;
  static VecF read(const void* row, Size k) {
    return __builtin_convertvector(from_bytes(static_cast<const unsigned char*>(row) + k), VecF);
  }
};
struct U16 {
  typedef float Real;
  static constexpr bool kStoredAsReal = false;
  static VecF read(const void* row, Size k) {
    Shorts packed;
    __builtin_memcpy(&packed, static_cast<const unsigned short*>(row) + k, sizeof packed);
    return __builtin_convertvector(__builtin_convertvector(packed, Ints), VecF);
  }
};
struct U32 {
  typedef float Real;
  static constexpr bool kStoredAsReal = false;
  static VecF read(const void* row, Size k) {
    Unsigneds packed;
    __builtin_memcpy(&packed, static_cast<const unsigned*>(row) + k, sizeof packed);
    return __builtin_convertvector(packed, VecF);
  }
};

template <class Stored>
static void dot(const void* const* row, Size n, const typename Stored::Real* w,
                typename Stored::Real* out) {
  typedef Simd<typename Stored::Real> S;
  typename S::Vec total[kBlock];
  for (int i = 0; i < kBlock; ++i) total[i] = typename S::Vec{};
  for (Size k = 0; k < n; k += S::kSize) {
    const typename S::Vec weight = load(w + k);
    for (int i = 0; i < kBlock; ++i) total[i] += Stored::read(row[i], k) * weight;
  }
  for (int i = 0; i < kBlock; i += S::kFolded) {
    decltype(fold(total[0])) folded[S::kFolded];
    for (int j = 0; j < S::kFolded; ++j) folded[j] = fold(total[i + j]);
    sums(folded, out + i);
  }
}

template <class Stored>
static void accumulate(const void* const* row, Size n, const typename Stored::Real* coefficient,
                       typename Stored::Real* sum) {
  typedef Simd<typename Stored::Real> S;
  typename S::Vec c[kBlock];
  const void* at[kBlock];
  for (int i = 0; i < kBlock; ++i) {
    c[i] = coefficient[i] - typename S::Vec{};
    at[i] = row[i];
  }
  for (Size k = 0; k < n; k += S::kSize) {
    typename S::Vec total = load(sum + k);
    for (int i = 0; i < kBlock; ++i) total += c[i] * Stored::read(at[i], k);
    store(sum + k, total);
  }
}

template <class Stored>
static void unpack([[maybe_unused]] const void* const* row, [[maybe_unused]] Size n,
                   [[maybe_unused]] typename Stored::Real* unpacked) {
  if constexpr (!Stored::kStoredAsReal) {
    for (int i = 0; i < kBlock; ++i) {
      const void* at = row[i];
      for (Size k = 0; k < n; k += Simd<float>::kSize) {
        store(unpacked + i * n + k, Stored::read(at, k));
      }
    }
  }
}

template <class Real>
static void dot_lanes(const Real* const* row, Size n, const Real* w, Real* out) {
  typedef Simd<Real> S;
  for (Size lane = 0; lane < kLanes; lane += S::kSize) {
    typename S::Vec total[kBlock];
    for (int i = 0; i < kBlock; ++i) total[i] = typename S::Vec{};
    for (Size k = 0; k < n; ++k) {
      const typename S::Vec weight = load(w + k * kLanes + lane);
      for (int i = 0; i < kBlock; ++i) total[i] += row[i][k] * weight;
    }
    for (int i = 0; i < kBlock; ++i) store(out + i * kLanes + lane, total[i]);
  }
}

template <class Real>
static void accumulate_lanes(const Real* const* row, Size n, const Real* coefficient, Real* sum) {
  typedef Simd<Real> S;
  for (Size lane = 0; lane < kLanes; lane += S::kSize) {
    typename S::Vec c[kBlock];
    for (int i = 0; i < kBlock; ++i) c[i] = load(coefficient + i * kLanes + lane);
    for (Size k = 0; k < n; ++k) {
      typename S::Vec total = load(sum + k * kLanes + lane);
      for (int i = 0; i < kBlock; ++i) total += row[i][k] * c[i];
      store(sum + k * kLanes + lane, total);
    }
  }
}
