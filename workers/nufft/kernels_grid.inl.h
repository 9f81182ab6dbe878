// Included inside the namespace of one instruction set, after kernels_window.inl.h.

/// The value of a point beside itself: re, im, re, im, .. or c, c, ..
template <class V, int Lanes, class Real, int Parts>
inline V repeated(const Real* value) {
  V v;
  for (int lane = 0; lane < Lanes; ++lane) v[lane] = value[lane % Parts];
  return v;
}

/// grid += planar (x) last; `first` is where the first vector of the first row lies.
template <class Real, int Parts, int Width, int Vectors, class V>
inline void add_rows(const Run<Real>& run, const Planar<Real, Width>& planar, const V* last,
                     Real* first) {
  constexpr int kLanes = static_cast<int>(sizeof(V) / sizeof(Real));
  if constexpr (Width * Vectors <= kHeld) {
    V held[Width][Vectors];
#pragma GCC unroll 16
    for (int j = 0; j < Width; ++j)
      for (int v = 0; v < Vectors; ++v) held[j][v] = last[v] * planar.y[j];
    for (int i = 0; i < Width; ++i, first += Parts * run.plane) {
      const V weight = V{} + planar.x[i];
      Real* row = first;
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row)
        for (int v = 0; v < Vectors; ++v)
          store(row + v * kLanes, load<V>(row + v * kLanes) + weight * held[j][v]);
    }
  } else {
    for (int i = 0; i < Width; ++i, first += Parts * run.plane) {
      Real* row = first;
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row) {
        const V weight = V{} + planar.x[i] * planar.y[j];
        for (int v = 0; v < Vectors; ++v)
          store(row + v * kLanes, load<V>(row + v * kLanes) + weight * last[v]);
      }
    }
  }
}

/// Vectors begin on their own border: what one point stores the next one loads whole, so that it
/// need not wait for memory.
template <class Real, int Parts, int Width>
void spread(const Run<Real>& run, const Real* values, Real* grid) {
  using V = Vector<Real, kVectorBytes>;
  constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(Real));
  constexpr int kFew = (Parts * Width + kLanes - 1) / kLanes;
  constexpr int kMost = (Parts * Width + kLanes - Parts + kLanes - 1) / kLanes;
  for (Size p = 0; p < run.count; ++p) {
    const Point<Real>& point = run.points[p];
    const Planar<Real, Width> planar(run, point);
    const Size start = Parts * static_cast<Size>(point.offset);
    const Size shift = start & (kLanes - 1);
    const V value = repeated<V, kLanes, Real, Parts>(values + Parts * p);
    V last[kMost];
    if (kFew == kMost || shift + Parts * Width > kFew * kLanes) {
      window_along<V, kMost, degree_of(Width), kLastStride>(run.last + kLead - shift, point.y[2],
                                                            last);
      for (int v = 0; v < kMost; ++v) last[v] *= value;
      add_rows<Real, Parts, Width, kMost>(run, planar, last, grid + (start - shift));
    } else {
      window_along<V, kFew, degree_of(Width), kLastStride>(run.last + kLead - shift, point.y[2],
                                                           last);
      for (int v = 0; v < kFew; ++v) last[v] *= value;
      add_rows<Real, Parts, Width, kFew>(run, planar, last, grid + (start - shift));
    }
  }
}

template <class Real, int Parts, int Width>
void gather(const Run<Real>& run, const Real* grid, Real* values) {
  using Last = Cover<Real, Parts * Width>;
  using V = typename Last::V;
  constexpr int kVectors = Last::kCount, kLanes = Last::kLanes;
  for (Size p = 0; p < run.count; ++p) {
    const Point<Real>& point = run.points[p];
    const Planar<Real, Width> planar(run, point);
    V last[kVectors], sum[kVectors] = {};
    window_along<V, kVectors, degree_of(Width), kLastStride>(run.last + kLead, point.y[2], last);
    const Real* first = grid + Parts * static_cast<Size>(point.offset);
    for (int i = 0; i < Width; ++i, first += Parts * run.plane) {
      const Real* row = first;
      V line[kVectors] = {};
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row)
        for (int v = 0; v < kVectors; ++v) line[v] += load<V>(row + v * kLanes) * planar.y[j];
      for (int v = 0; v < kVectors; ++v) sum[v] += line[v] * planar.x[i];
    }
    V all = sum[0] * last[0];
    for (int v = 1; v < kVectors; ++v) all += sum[v] * last[v];
    const auto few = folded(all);
    constexpr int kLeft = 16 / static_cast<int>(sizeof(Real));
    Real out[Parts] = {};
    for (int lane = 0; lane < kLeft; ++lane) out[lane % Parts] += few[lane];
    for (int part = 0; part < Parts; ++part) values[Parts * p + part] = out[part];
  }
}

template <class Real>
void turn(const Turn<Real>& task, Point<Real>* points) {
  const Size stride[3] = {task.plane, task.row, 1};
  const Real half = static_cast<Real>(0.5) * static_cast<Real>(task.width);
  for (Size p = 0; p < task.count; ++p) {
    const Real* base = task.base + 3 * p;
    Size offset = 0;
    for (int d = 0; d < 3; ++d) {
      const Real u = base[0] * task.rotation[d] + base[1] * task.rotation[3 + d] +
                     base[2] * task.rotation[6 + d];
      const Real low = u - half;
      Size start = static_cast<Size>(low);
      start += static_cast<Real>(start) < low;
      points[p].y[d] = 2 * (static_cast<Real>(start) - low) - 1;
      // |u| < n, so that two turns are enough.
      start += start < 0 ? task.n[d] : 0;
      start += start < 0 ? task.n[d] : 0;
      start -= start >= task.n[d] ? task.n[d] : 0;
      offset += start * stride[d];
    }
    points[p].offset = static_cast<std::uint32_t>(offset);
  }
}

/// As functors.h has it, Locate.
template <class Real>
void place(const Placing<Real>& task, Point<Real>* points, std::uint32_t* keys) {
  constexpr double kTurn = 6.283185307179586477;
  const Size stride[3] = {task.plane, task.row, 1};
  double n[3], per_radian[3];
  for (int d = 0; d < 3; ++d) n[d] = static_cast<double>(task.n[d]);
  for (int d = 0; d < 3; ++d) per_radian[d] = n[d] / kTurn;
  for (Size p = 0; p < task.count; ++p) {
    Size offset = 0, box = 0, bin = 0;
    for (int d = 0; d < 3; ++d) {
      double x = static_cast<double>(task.x[3 * p + d]);
      if (__builtin_fabs(x) > 4 * kTurn) x = __builtin_remainder(x, kTurn);
      double u = x * per_radian[d];
      u -= n[d] * __builtin_floor(u / n[d]);
      const double low = u - 0.5 * task.width, start = __builtin_ceil(low);
      Size first = static_cast<Size>(start);
      first += first < 0 ? task.n[d] : 0;
      first -= first >= task.n[d] ? task.n[d] : 0;
      points[p].y[d] = static_cast<Real>(2 * (start - low) - 1);
      offset += first * stride[d];
      box = box * task.boxes[d] + (first >> kBoxBits[d]);
      const Size inside = first & ((1 << kBoxBits[d]) - 1);
      bin = (bin << (kBoxBits[d] - kBinBits[d])) + (inside >> kBinBits[d]);
    }
    points[p].offset = static_cast<std::uint32_t>(offset);
    keys[p] = static_cast<std::uint32_t>(box * kBinsOfBox + bin);
  }
}
