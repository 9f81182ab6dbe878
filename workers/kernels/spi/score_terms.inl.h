// One pixel's part of a score, on any device; m: the model there, k: the frame, both floats.
// Included inside a namespace: unfold::spi by score_terms.h, each instruction set's own by kernels.

/// ln x of a normal x > 0, to 2e-7 of max(1, |ln x|): no branch, no table, so that compilers
/// vectorise loops over it. x = 2^e f with f in [sqrt 1/2, sqrt 2), s = (f - 1) / (f + 1),
/// ln f = 2 artanh s.
struct Log {
  UNFOLD_HD float operator()(float x) const {
    constexpr int kRootHalf = 0x3f3504f3;       // the bits of sqrt 1/2
    constexpr float kLn2 = 0.693145751953125f;  // 16 bits: exact times any exponent
    constexpr float kLn2Rest = 1.4286068202862268e-6f;
    const int bits = __builtin_bit_cast(int, x);
    const int exponent = (bits - kRootHalf) >> 23;
    const float f = __builtin_bit_cast(float, bits - exponent * (1 << 23));
    const float s = (f - 1.0f) / (f + 1.0f);
    const float z = s * s;
    const float series = z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9))));
    const float e = static_cast<float>(exponent);
    return e * kLn2 + (2 * s + (s * series + e * kLn2Rest));
  }
};

/// What a pixel adds to the two sums that a metric's score is made of.
struct Term {
  float fit;    ///< times the frame's value: K or sqrt K
  float total;  ///< of the model alone
};

/// ln m and m, m raised to the floor.
struct PoissonTerm {
  float floor;
  UNFOLD_HD Term operator()(float m, float /*background*/) const {
    const float raised = m > floor ? m : floor;
    return {Log()(raised), raised};
  }
};

/// ln(phi m + B) and m.
struct BackgroundTerm {
  float floor;
  float fluence;
  UNFOLD_HD Term operator()(float m, float background) const {
    const float raised = m > floor ? m : floor;
    return {Log()(fluence * raised + background), raised};
  }
};

/// sqrt m and m, 0 where m is negative.
struct SqrtTerm {
  UNFOLD_HD Term operator()(float m, float /*background*/) const {
    const float raised = m > 0.0f ? m : 0.0f;
    return {__builtin_sqrtf(raised), raised};
  }
};

/// m and m^2.
struct EuclidTerm {
  UNFOLD_HD Term operator()(float m, float /*background*/) const { return {m, m * m}; }
};
