// Included inside the namespace of one instruction set, before simd_N.inl.h.
template <class Real, int Bytes>
struct VectorOf {
  typedef Real type __attribute__((vector_size(Bytes)));
};
template <class Real, int Bytes>
using Vector = typename VectorOf<Real, Bytes>::type;

template <class V>
inline V load(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
inline void store(void* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

inline Vector<float, 16> folded(Vector<float, 16> v) { return v; }
inline Vector<double, 16> folded(Vector<double, 16> v) { return v; }
