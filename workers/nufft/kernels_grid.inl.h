// Included inside the namespace of one instruction set, after kernels_window.inl.h.

/// The value of a point beside itself: re, im, re, im, .. or c, c, ..
template <class V, int Lanes, class Real, int Parts>
inline V repeated(const Real* value) {
  V v;
  for (int lane = 0; lane < Lanes; ++lane) v[lane] = value[lane % Parts];
  return v;
}

template <class Real, int Parts, int Width>
void spread(const Run<Real>& run, const Real* values, Real* grid) {
  using W = Windows<Real, Parts, Width>;
  using V = typename W::Last::V;
  constexpr int kVectors = W::Last::kCount, kLanes = W::Last::kLanes;
  for (Size p = 0; p < run.count; ++p) {
    W window(run, run.points[p]);
    const V value = repeated<V, kLanes, Real, Parts>(values + Parts * p);
    for (int v = 0; v < kVectors; ++v) window.z[v] *= value;
    alignas(64) Real y[W::kRows];
    for (int v = 0; v < W::Axis::kCount; ++v) store(y + v * W::Axis::kLanes, window.y[v]);
    Real* first = grid + Parts * static_cast<Size>(run.points[p].offset);
    if constexpr (Width * kVectors <= kHeld) {
      V held[Width][kVectors];
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j)
        for (int v = 0; v < kVectors; ++v) held[j][v] = window.z[v] * y[j];
      for (int i = 0; i < Width; ++i) {
        Real* row = first + Parts * i * run.plane;
        const V weight = V{} + window.x[i];
#pragma GCC unroll 16
        for (int j = 0; j < Width; ++j, row += Parts * run.row)
          for (int v = 0; v < kVectors; ++v)
            store(row + v * kLanes, load<V>(row + v * kLanes) + weight * held[j][v]);
      }
    } else {
      for (int i = 0; i < Width; ++i) {
        Real* row = first + Parts * i * run.plane;
#pragma GCC unroll 16
        for (int j = 0; j < Width; ++j, row += Parts * run.row) {
          const V weight = V{} + window.x[i] * y[j];
          for (int v = 0; v < kVectors; ++v)
            store(row + v * kLanes, load<V>(row + v * kLanes) + weight * window.z[v]);
        }
      }
    }
  }
}

template <class Real, int Parts, int Width>
void gather(const Run<Real>& run, const Real* grid, Real* values) {
  using W = Windows<Real, Parts, Width>;
  using V = typename W::Last::V;
  constexpr int kVectors = W::Last::kCount, kLanes = W::Last::kLanes;
  for (Size p = 0; p < run.count; ++p) {
    const W window(run, run.points[p]);
    alignas(64) Real y[W::kRows];
    for (int v = 0; v < W::Axis::kCount; ++v) store(y + v * W::Axis::kLanes, window.y[v]);
    const Real* first = grid + Parts * static_cast<Size>(run.points[p].offset);
    V sum[kVectors] = {};
    for (int i = 0; i < Width; ++i) {
      const Real* row = first + Parts * i * run.plane;
      V line[kVectors] = {};
#pragma GCC unroll 16
      for (int j = 0; j < Width; ++j, row += Parts * run.row)
        for (int v = 0; v < kVectors; ++v) line[v] += load<V>(row + v * kLanes) * y[j];
      for (int v = 0; v < kVectors; ++v) sum[v] += line[v] * window.x[i];
    }
    V all = sum[0] * window.z[0];
    for (int v = 1; v < kVectors; ++v) all += sum[v] * window.z[v];
    const auto folded_sum = folded(all);
    constexpr int kLeft = 16 / static_cast<int>(sizeof(Real));
    Real out[Parts] = {};
    for (int lane = 0; lane < kLeft; ++lane) out[lane % Parts] += folded_sum[lane];
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
