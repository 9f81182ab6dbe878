// Included inside the namespace of one instruction set, after kernels_window.inl.h.

/// The value of a point beside itself: re, im, re, im, .. or c, c, ..
template <class V, int Lanes, class Real, int Parts>
inline V repeated(const Real* value) {
  V v;
  for (int lane = 0; lane < Lanes; ++lane) v[lane] = value[lane % Parts];
  return v;
}

/// What one point brings to the grid: its window, and the vectors of each row, which begin on their
/// own border, so that none crosses a cache line and what one point stores the next one loads
/// whole.
template <class Real, int Parts, int Width>
struct Prepared {
  using V = Vector<Real, kVectorBytes>;
  static constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(Real));
  static constexpr int kFew = (Parts * Width + kLanes - 1) / kLanes;
  static constexpr int kMost = (Parts * Width + kLanes - Parts + kLanes - 1) / kLanes;

  Planar<Real, Width> planar;
  Size first;  ///< of the first vector of the first row, in Reals
  bool few;    ///< kFew vectors cover a row
  V last[kMost];

  inline void prepare(const Run<Real>& run, const Point<Real>& point) {
    planar.prepare(run, point);
    const Size start = Parts * static_cast<Size>(point.offset), shift = start & (kLanes - 1);
    first = start - shift;
    few = kFew == kMost || shift + Parts * Width <= kFew * kLanes;
    const Real* coefficients = run.last + kLead - shift;
    if (few)
      window_along<V, kFew, degree_of(Width), kLastStride>(coefficients, point.y[2], last);
    else
      window_along<V, kMost, degree_of(Width), kLastStride>(coefficients, point.y[2], last);
  }

  /// Windows that fill the nearest cache are walked in slabs of planes, a batch of neighbours at a
  /// time.
  static constexpr int kFootprint = Width * Width * kMost * kVectorBytes;
  static constexpr int kSlabs = (kFootprint + 24575) / 24576;
  static constexpr int kBatch = kSlabs > 1 ? 8 : 1;
  static constexpr int slab_begin(int slab) { return Width * slab / kSlabs; }
};

/// Adds planes [begin, end) of a prepared point.
template <int Parts, int Width, int Vectors, class Real, class P>
inline void add_planes(const Run<Real>& run, const P& point, int begin, int end, Real* grid) {
  using V = typename P::V;
  Real* plane = grid + point.first + Parts * begin * run.plane;
  if constexpr (Width * Vectors <= kHeld) {
    V held[Width][Vectors];
#pragma GCC unroll 16
    for (int j = 0; j < Width; ++j)
      for (int v = 0; v < Vectors; ++v) held[j][v] = point.last[v] * point.planar.y[j];
    for (int i = begin; i < end; ++i, plane += Parts * run.plane) {
      const V weight = V{} + point.planar.x[i];
      Real* row = plane;
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row)
        for (int v = 0; v < Vectors; ++v)
          store(row + v * P::kLanes, load<V>(row + v * P::kLanes) + weight * held[j][v]);
    }
  } else {
    for (int i = begin; i < end; ++i, plane += Parts * run.plane) {
      Real* row = plane;
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row) {
        const V weight = V{} + point.planar.x[i] * point.planar.y[j];
        for (int v = 0; v < Vectors; ++v)
          store(row + v * P::kLanes, load<V>(row + v * P::kLanes) + weight * point.last[v]);
      }
    }
  }
}

/// sum += planes [begin, end) under a prepared point, before the last axis is summed.
template <int Parts, int Width, int Vectors, class Real, class P>
inline void sum_planes(const Run<Real>& run, const P& point, int begin, int end, const Real* grid,
                       typename P::V* sum) {
  using V = typename P::V;
  const Real* plane = grid + point.first + Parts * begin * run.plane;
  for (int i = begin; i < end; ++i, plane += Parts * run.plane) {
    const Real* row = plane;
    V line[Vectors] = {};
#pragma GCC unroll 16
    for (int j = 0; j < Width; ++j, row += Parts * run.row)
      for (int v = 0; v < Vectors; ++v) line[v] += load<V>(row + v * P::kLanes) * point.planar.y[j];
    for (int v = 0; v < Vectors; ++v) sum[v] += line[v] * point.planar.x[i];
  }
}

/// One point of Vectors a row, kept in registers between its window and the grid.
template <int Parts, int Width, int Vectors, class Real, class P>
inline void spread_one(const Run<Real>& run, Real y, const Real* coefficients, typename P::V value,
                       P& point, Real* grid) {
  window_along<typename P::V, Vectors, degree_of(Width), kLastStride>(coefficients, y, point.last);
  for (int v = 0; v < Vectors; ++v) point.last[v] *= value;
  add_planes<Parts, Width, Vectors>(run, point, 0, Width, grid);
}

template <class Real, int Parts, int Width>
void spread_narrow(const Run<Real>& run, const Real* values, Real* grid) {
  using P = Prepared<Real, Parts, Width>;
  for (Size p = 0; p < run.count; ++p) {
    const Point<Real>& from = run.points[p];
    P point;
    point.planar.prepare(run, from);
    const Size start = Parts * static_cast<Size>(from.offset), shift = start & (P::kLanes - 1);
    point.first = start - shift;
    const auto value = repeated<typename P::V, P::kLanes, Real, Parts>(values + Parts * p);
    const Real* coefficients = run.last + kLead - shift;
    if (P::kFew == P::kMost || shift + Parts * Width <= P::kFew * P::kLanes)
      spread_one<Parts, Width, P::kFew>(run, from.y[2], coefficients, value, point, grid);
    else
      spread_one<Parts, Width, P::kMost>(run, from.y[2], coefficients, value, point, grid);
  }
}

template <class Real, int Parts, int Width>
void spread(const Run<Real>& run, const Real* values, Real* grid) {
  using P = Prepared<Real, Parts, Width>;
  if constexpr (P::kSlabs == 1) return spread_narrow<Real, Parts, Width>(run, values, grid);
  P batch[P::kBatch];
  for (Size begin = 0; begin < run.count; begin += P::kBatch) {
    const Size count = run.count - begin < P::kBatch ? run.count - begin : P::kBatch;
    for (Size p = 0; p < count; ++p) {
      batch[p].prepare(run, run.points[begin + p]);
      const auto value =
          repeated<typename P::V, P::kLanes, Real, Parts>(values + Parts * (begin + p));
      for (int v = 0; v < (batch[p].few ? P::kFew : P::kMost); ++v) batch[p].last[v] *= value;
    }
    for (int slab = 0; slab < P::kSlabs; ++slab)
      for (Size p = 0; p < count; ++p) {
        const int from = P::slab_begin(slab), to = P::slab_begin(slab + 1);
        if (batch[p].few)
          add_planes<Parts, Width, P::kFew>(run, batch[p], from, to, grid);
        else
          add_planes<Parts, Width, P::kMost>(run, batch[p], from, to, grid);
      }
  }
}

/// values [Parts] = the sum of `sum` under the last axis.
template <class Real, int Parts, int Vectors, class V>
inline void close(const V* sum, const V* last, Real* value) {
  V all = sum[0] * last[0];
  for (int v = 1; v < Vectors; ++v) all += sum[v] * last[v];
  const auto few = folded(all);
  constexpr int kLeft = 16 / static_cast<int>(sizeof(Real));
  Real out[Parts] = {};
  for (int lane = 0; lane < kLeft; ++lane) out[lane % Parts] += few[lane];
  for (int part = 0; part < Parts; ++part) value[part] = out[part];
}

/// A window that the nearest cache holds is read from its first cell on, whatever the border:
/// reading twice a line costs less than the vectors more that borders ask for.
template <class Real, int Parts, int Width>
void gather_narrow(const Run<Real>& run, const Real* grid, Real* values) {
  using Last = Cover<Real, Parts * Width>;
  using V = typename Last::V;
  constexpr int kVectors = Last::kCount, kLanes = Last::kLanes;
  Planar<Real, Width> planar;
  for (Size p = 0; p < run.count; ++p) {
    const Point<Real>& point = run.points[p];
    planar.prepare(run, point);
    V last[kVectors], sum[kVectors] = {};
    window_along<V, kVectors, degree_of(Width), kLastStride>(run.last + kLead, point.y[2], last);
    const Real* plane = grid + Parts * static_cast<Size>(point.offset);
    for (int i = 0; i < Width; ++i, plane += Parts * run.plane) {
      const Real* row = plane;
      V line[kVectors] = {};
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row)
        for (int v = 0; v < kVectors; ++v) line[v] += load<V>(row + v * kLanes) * planar.y[j];
      for (int v = 0; v < kVectors; ++v) sum[v] += line[v] * planar.x[i];
    }
    close<Real, Parts, kVectors>(sum, last, values + Parts * p);
  }
}

template <class Real, int Parts, int Width>
void gather(const Run<Real>& run, const Real* grid, Real* values) {
  using P = Prepared<Real, Parts, Width>;
  if constexpr (P::kSlabs == 1) return gather_narrow<Real, Parts, Width>(run, grid, values);
  P batch[P::kBatch];
  for (Size begin = 0; begin < run.count; begin += P::kBatch) {
    const Size count = run.count - begin < P::kBatch ? run.count - begin : P::kBatch;
    typename P::V sum[P::kBatch][P::kMost] = {};
    for (Size p = 0; p < count; ++p) batch[p].prepare(run, run.points[begin + p]);
    for (int slab = 0; slab < P::kSlabs; ++slab)
      for (Size p = 0; p < count; ++p) {
        const int from = P::slab_begin(slab), to = P::slab_begin(slab + 1);
        if (batch[p].few)
          sum_planes<Parts, Width, P::kFew>(run, batch[p], from, to, grid, sum[p]);
        else
          sum_planes<Parts, Width, P::kMost>(run, batch[p], from, to, grid, sum[p]);
      }
    for (Size p = 0; p < count; ++p)
      if (batch[p].few)
        close<Real, Parts, P::kFew>(sum[p], batch[p].last, values + Parts * (begin + p));
      else
        close<Real, Parts, P::kMost>(sum[p], batch[p].last, values + Parts * (begin + p));
  }
}

/// Sixteen points side by side, so that compilers vectorise.
template <class Real>
void turn(const Turn<Real>& task, Point<Real>* points) {
  constexpr int kMany = 16;
  const Size stride[3] = {task.plane, task.row, 1};
  const Real half = static_cast<Real>(0.5) * static_cast<Real>(task.width);
  Real base[3][kMany] = {}, y[3][kMany];
  for (Size begin = 0; begin < task.count; begin += kMany) {
    const int many = task.count - begin < kMany ? static_cast<int>(task.count - begin) : kMany;
    for (int p = 0; p < many; ++p)
      for (int d = 0; d < 3; ++d) base[d][p] = task.base[3 * (begin + p) + d];
    std::int32_t offset[kMany] = {};
    for (int d = 0; d < 3; ++d) {
      const auto n = static_cast<std::int32_t>(task.n[d]),
                 step = static_cast<std::int32_t>(stride[d]);
      for (int p = 0; p < kMany; ++p) {
        const Real u = base[0][p] * task.rotation[d] + base[1][p] * task.rotation[3 + d] +
                       base[2][p] * task.rotation[6 + d];
        const Real low = u - half;
        auto start = static_cast<std::int32_t>(low);
        start += static_cast<Real>(start) < low ? 1 : 0;
        y[d][p] = 2 * (static_cast<Real>(start) - low) - 1;
        // |u| < n, so that two turns are enough.
        start += start < 0 ? n : 0;
        start += start < 0 ? n : 0;
        start -= start >= n ? n : 0;
        offset[p] += start * step;
      }
    }
    for (int p = 0; p < many; ++p)
      points[begin + p] = {{y[0][p], y[1][p], y[2][p]}, static_cast<std::uint32_t>(offset[p])};
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
