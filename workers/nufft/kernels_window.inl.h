// Included inside the namespace of one instruction set, after simd_N.inl.h.

/// Vectors that cover `Numbers` Reals.
template <class Real, int Numbers>
struct Cover {
  static constexpr int kSize = static_cast<int>(sizeof(Real));
  static constexpr int fitting() {
    int bytes = 16;
    while (bytes < Numbers * kSize && bytes < kVectorBytes) bytes *= 2;
    return bytes;
  }
  static constexpr int kBytes = fitting();
  static constexpr int kLanes = kBytes / kSize;
  static constexpr int kCount = (Numbers + kLanes - 1) / kLanes;
  using V = Vector<Real, kBytes>;
};

/// The window of one point along the three axes. z holds each value Parts times.
template <class Real, int Parts, int Width>
struct Windows {
  using Axis = Cover<Real, Width>;
  using Last = Cover<Real, Parts * Width>;
  static constexpr int kRows = Axis::kCount * Axis::kLanes;

  alignas(64) Real x[kRows];
  typename Axis::V y[Axis::kCount];
  typename Last::V z[Last::kCount];

  inline Windows(const Run<Real>& run, const Point<Real>& point) {
    const Real* last = Parts == 2 ? run.pairs : run.window;
    typename Axis::V vx[Axis::kCount];
    for (int v = 0; v < Axis::kCount; ++v)
      vx[v] = y[v] = load<typename Axis::V>(run.window + v * Axis::kLanes);
    for (int v = 0; v < Last::kCount; ++v) z[v] = load<typename Last::V>(last + v * Last::kLanes);
    for (int power = 1; power <= degree_of(Width); ++power) {
      for (int v = 0; v < Axis::kCount; ++v) {
        const auto c = load<typename Axis::V>(run.window + power * kStride + v * Axis::kLanes);
        vx[v] = vx[v] * point.y[0] + c;
        y[v] = y[v] * point.y[1] + c;
      }
      for (int v = 0; v < Last::kCount; ++v)
        z[v] = z[v] * point.y[2] +
               load<typename Last::V>(last + power * Parts * kStride + v * Last::kLanes);
    }
    for (int v = 0; v < Axis::kCount; ++v) store(x + v * Axis::kLanes, vx[v]);
  }
};
