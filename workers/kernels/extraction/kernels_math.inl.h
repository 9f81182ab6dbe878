// Vector arithmetic of the extraction kernels. Included inside the namespace of one instruction
// set, after simd_N.inl.h.

inline Vec load(const double* p) { return *reinterpret_cast<const Loose*>(p); }
inline void store(double* p, Vec v) { *reinterpret_cast<Loose*>(p) = v; }
inline Vec splat(double x) { return x - Vec{}; }

inline double sum(Vec v) {
  double s = v[0];
  for (int i = 1; i < kLanes; ++i) s += v[i];
  return s;
}

/// exp(x) for x <= 0; relative error below 3e-16, 0 is never returned (x is clamped at -700).
inline Vec exp_negative(Vec x) {
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2High = 6.93147180369123816490e-01;
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding it leaves an integer
  constexpr double kInverseFactorial[] = {
      1,         1,          1. / 2,      1. / 6,       1. / 24,       1. / 120,      1. / 720,
      1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600};
  x = x < splat(-700.0) ? splat(-700.0) : x;
  const Vec shifted = x * kLog2E + kRound;
  const Vec n = shifted - kRound;
  const Vec r = (x - n * kLn2High) - n * kLn2Low;
  Vec p = splat(kInverseFactorial[12]);
  for (int i = 11; i >= 0; --i) p = p * r + kInverseFactorial[i];
  Bits exponent;
  __builtin_memcpy(&exponent, &shifted, sizeof exponent);
  exponent = (exponent + 1023) << 52;
  Vec scale;
  __builtin_memcpy(&scale, &exponent, sizeof scale);
  return p * scale;
}

/// erf(x) for x >= 0 given exp(-x^2); absolute error below 1e-14. erf = 1 - exp(-x^2) erfcx(x),
/// with erfcx a polynomial in 1 / (x + 2.5), fitted on [0, 6.5] to 1e-16 (beyond it the exponential
/// hides the polynomial).
inline Vec erf_positive(Vec x, Vec exp_minus_x2) {
  constexpr double kFit[] = {
      0x1.587c527920e60p-2,   -0x1.9257b9c0cf39dp-2, 0x1.90931619ded39p-3,   -0x1.0823c8c070495p-4,
      0x1.754cbbd5feb80p-7,   0x1.3023ee90355e7p-12, -0x1.11530b5b5ac29p-11, 0x1.aa57590d46569p-17,
      0x1.e553cf149d27cp-16,  0x1.34b0f59a9c91cp-22, -0x1.f70e83338969fp-20, -0x1.d2c03a3d777f4p-23,
      0x1.d2b02017254ecp-24,  0x1.281b5e024fdadp-25, -0x1.2df3c82dc6457p-29, -0x1.e51c50c170902p-29,
      -0x1.78bf1a2a933bdp-31, 0x1.e3a939cedf9c9p-33, 0x1.e8c090a5ef706p-34};
  const Vec s = 23.0 / 13.0 - (90.0 / 13.0) / (x + 2.5);
  Vec p = splat(kFit[18]);
  for (int i = 17; i >= 0; --i) p = p * s + kFit[i];
  return 1.0 - exp_minus_x2 * p;
}
