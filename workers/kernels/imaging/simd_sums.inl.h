// Included inside the namespace of one instruction set, before simd_N.inl.h.
typedef float Quad __attribute__((vector_size(16)));
typedef double Pair __attribute__((vector_size(16)));

/// out[i] = sum over the lanes of v[i].
inline void sums(const Quad* v, float* out) {
  const Quad ab = __builtin_shufflevector(v[0], v[1], 0, 2, 4, 6) +
                  __builtin_shufflevector(v[0], v[1], 1, 3, 5, 7);
  const Quad cd = __builtin_shufflevector(v[2], v[3], 0, 2, 4, 6) +
                  __builtin_shufflevector(v[2], v[3], 1, 3, 5, 7);
  const Quad all =
      __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
  __builtin_memcpy(out, &all, sizeof all);
}
inline void sums(const Pair* v, double* out) {
  const Pair all =
      __builtin_shufflevector(v[0], v[1], 0, 2) + __builtin_shufflevector(v[0], v[1], 1, 3);
  __builtin_memcpy(out, &all, sizeof all);
}
