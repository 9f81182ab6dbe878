// Included inside the namespace of one instruction set, after simd_N.inl.h.

/// Vectors of at most Bytes that cover `Numbers` Reals.
template <class Real, int Numbers, int Bytes = kVectorBytes>
struct Cover {
  static constexpr int kSize = static_cast<int>(sizeof(Real));
  static constexpr int fitting() {
    int bytes = 16;
    while (bytes < Numbers * kSize && bytes < Bytes) bytes *= 2;
    return bytes;
  }
  static constexpr int kBytes = fitting();
  static constexpr int kLanes = kBytes / kSize;
  static constexpr int kCount = (Numbers + kLanes - 1) / kLanes;
  using V = Vector<Real, kBytes>;
};

/// The window along one axis, `Count` vectors from `coefficients` on.
template <class V, int Count, int Degree, int Stride, class Real>
inline void window_along(const Real* coefficients, Real y, V* out) {
  constexpr int kLanes = static_cast<int>(sizeof(V) / sizeof(Real));
  for (int v = 0; v < Count; ++v) out[v] = load<V>(coefficients + v * kLanes);
  for (int power = 1; power <= Degree; ++power)
    for (int v = 0; v < Count; ++v)
      out[v] = out[v] * y + load<V>(coefficients + power * Stride + v * kLanes);
}

/// The window along the first two axes, number by number.
template <class Real, int Width>
struct Planar {
  using Axis = Cover<Real, Width>;
  static constexpr int kRows = Axis::kCount * Axis::kLanes;
  alignas(64) Real x[kRows], y[kRows];

  inline void prepare(const Run<Real>& run, const Point<Real>& point) {
    using V = typename Axis::V;
    V vx[Axis::kCount], vy[Axis::kCount];
    window_along<V, Axis::kCount, degree_of(Width), kStride>(run.window, point.y[0], vx);
    window_along<V, Axis::kCount, degree_of(Width), kStride>(run.window, point.y[1], vy);
    for (int v = 0; v < Axis::kCount; ++v) {
      store(x + v * Axis::kLanes, vx[v]);
      store(y + v * Axis::kLanes, vy[v]);
    }
  }
};
