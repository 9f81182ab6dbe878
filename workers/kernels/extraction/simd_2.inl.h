// Two doubles. Included inside the namespace of one instruction set.
constexpr int kLanes = 2;
typedef double Vec __attribute__((vector_size(16)));
typedef long long Bits __attribute__((vector_size(16)));
typedef double Loose __attribute__((vector_size(16), aligned(8), may_alias));

/// Lane i is the sum over the lanes of v[i].
inline Vec sums(const Vec* v) {
  return __builtin_shufflevector(v[0], v[1], 0, 2) + __builtin_shufflevector(v[0], v[1], 1, 3);
}
