// Counts over model, and its logarithm. Included inside the namespace of one instruction set.

/// ln(x) for normal x > 0, to 2e-16 of max(1, |ln x|). x = 2^e m with m in [sqrt(1/2), sqrt(2)),
/// and ln m = 2 atanh((m - 1) / (m + 1)) as a power series.
inline VecD log_positive(VecD x) {
  constexpr double kLn2High = 6.93147180369123816490e-01;
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  constexpr double kSqrt2 = 1.4142135623730951;
  constexpr double kInteger = 6755399441055744.0;  // 1.5 * 2^52: its low bits count
  Bits bits, base;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const VecD integer = kInteger - VecD{};
  __builtin_memcpy(&base, &integer, sizeof base);
  const Bits counted = base + ((bits >> 52) - 1023);
  const Bits mantissa = (bits & 0x000fffffffffffffLL) | 0x3ff0000000000000LL;
  VecD exponent, m;
  __builtin_memcpy(&exponent, &counted, sizeof exponent);
  __builtin_memcpy(&m, &mantissa, sizeof m);
  exponent -= kInteger;
  const VecD half = m > kSqrt2 ? m * 0.5 : m;
  exponent = m > kSqrt2 ? exponent + 1.0 : exponent;
  const VecD s = (half - 1.0) / (half + 1.0);
  const VecD z = s * s;
  VecD p = 1.0 / 23 - VecD{};
  for (int odd = 21; odd >= 3; odd -= 2) p = p * z + 1.0 / odd;
  return exponent * kLn2High + (2.0 * s + (2.0 * s * z * p + exponent * kLn2Low));
}

static void ratios(const RatioTask& task) {
  constexpr double kSmallest = 2.2250738585072014e-308;
  constexpr Size kSize = Simd<double>::kSize;
  const VecD zero = {}, limit = task.limit - zero;
  for (Size i = 0; i < task.size; i += kSize) {
    const VecD m = load(task.model + i), y = load(task.counts + i);
    const VecD safe = m > kSmallest ? m : kSmallest - zero;
    const VecD cut = y / safe < limit ? y / safe : limit;
    store(task.ratio + i, m > zero ? cut : zero);
    double* log_sum = task.log_sum + i % task.lanes;
    const VecD term = y * log_positive(safe);
    store(log_sum, load(log_sum) + (m > zero ? term : zero));
    for (Size lane = 0; lane < kSize; ++lane) {
      *task.impossible += y[lane] > 0 && !(m[lane] > 0) ? 1 : 0;
    }
  }
}
