// Vectors of up to 32 bytes. Included inside the namespace of one instruction set, after
// simd.inl.h.
constexpr int kVectorBytes = 32;
/// Vectors that a loop may hold in registers.
constexpr int kHeld = 10;

inline Vector<float, 16> folded(Vector<float, 32> v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
inline Vector<double, 16> folded(Vector<double, 32> v) {
  return __builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3);
}
