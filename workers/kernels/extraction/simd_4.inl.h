// Four doubles. Included inside the namespace of one instruction set.
constexpr int kLanes = 4;
typedef double Vec __attribute__((vector_size(32)));
typedef long long Bits __attribute__((vector_size(32)));
typedef double Loose __attribute__((vector_size(32), aligned(8), may_alias));

/// Lane i is the sum over the lanes of v[i].
inline Vec sums(const Vec* v) {
  const Vec a = __builtin_shufflevector(v[0], v[1], 0, 4, 2, 6) +
                __builtin_shufflevector(v[0], v[1], 1, 5, 3, 7);
  const Vec b = __builtin_shufflevector(v[2], v[3], 0, 4, 2, 6) +
                __builtin_shufflevector(v[2], v[3], 1, 5, 3, 7);
  return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
}
