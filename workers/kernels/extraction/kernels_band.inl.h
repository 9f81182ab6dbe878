// Banded Cholesky with solution, and the band of the inverse (Takahashi, Fagan and Chin 1973).

constexpr int kTile = 4;

/// Row k of U from the rows before it; U = M at [k, ...] on entry.
static inline bool factor_row(const BandSystem& s, int k) {
  double* row = s.band + static_cast<std::ptrdiff_t>(k) * s.band_stride;
  const int before = k < s.half_band ? k : s.half_band;
  for (int at = 0; at <= s.half_band; at += kTile * kLanes) {
    Vec total[kTile];
    for (int v = 0; v < kTile; ++v) total[v] = load(row + at + v * kLanes);
    const int reach = s.half_band - at < before ? s.half_band - at : before;
    for (int p = reach; p >= 1; --p) {
      const double* up = row - static_cast<std::ptrdiff_t>(p) * s.band_stride + p;
      const Vec scale = splat(up[0]);
      for (int v = 0; v < kTile; ++v) total[v] -= scale * load(up + at + v * kLanes);
    }
    for (int v = 0; v < kTile; ++v) store(row + at + v * kLanes, total[v]);
  }
  if (!(row[0] > 0)) return false;
  const double pivot = __builtin_sqrt(row[0]);
  const Vec inverse = splat(1.0 / pivot);
  for (int i = 0; i <= s.half_band; i += kLanes) store(row + i, load(row + i) * inverse);
  row[0] = pivot;
  return true;
}

static bool solve_band(const BandSystem& s) {
  for (int k = 0; k < s.n; ++k) {
    if (!factor_row(s, k)) return false;
    const double* row = s.band + static_cast<std::ptrdiff_t>(k) * s.band_stride;
    const double y = s.rhs[k] / row[0];
    s.rhs[k] = y;
    for (int d = 1; d <= s.half_band && k + d < s.n; ++d) s.rhs[k + d] -= row[d] * y;
  }
  for (int k = s.n - 1; k >= 0; --k) {
    const double* row = s.band + static_cast<std::ptrdiff_t>(k) * s.band_stride;
    double x = s.rhs[k];
    for (int d = 1; d <= s.half_band && k + d < s.n; ++d) x -= row[d] * s.rhs[k + d];
    s.rhs[k] = x / row[0];
  }
  return true;
}

/// Row r of C lies in the ring with C(r, r) at `diagonal`; columns r - half_band .. r + extent.
struct InverseRing {
  double* data;
  int mask, stride, diagonal;
  double* row(int r) const {
    return data + static_cast<std::ptrdiff_t>(r & mask) * stride + diagonal;
  }
};

/// C(k, k + 1 .. k + extent) from the rows after k.
static inline void invert_row(const BandSystem& s, const InverseRing& ring, int k, int extent) {
  const double* u = s.band + static_cast<std::ptrdiff_t>(k) * s.band_stride;
  double* out = ring.row(k);
  const double inverse = 1.0 / u[0];
  for (int at = 1; at <= extent; at += kTile * kLanes) {
    Vec total[kTile];
    for (int v = 0; v < kTile; ++v) total[v] = splat(0.0);
    for (int d = s.half_band; d >= 1; --d) {
      const double* other = ring.row(k + d) - d + at;
      const Vec scale = splat(u[d]);
      for (int v = 0; v < kTile; ++v) total[v] += scale * load(other + v * kLanes);
    }
    for (int v = 0; v < kTile; ++v) store(out + at + v * kLanes, total[v] * -inverse);
  }
  for (int i = extent + 1; i < extent + 1 + kTile * kLanes; ++i) out[i] = 0;
  double diagonal = inverse;
  for (int d = 1; d <= s.half_band; ++d) diagonal -= u[d] * out[d];
  out[0] = diagonal * inverse;
  for (int d = 1; d <= s.half_band; ++d) ring.row(k + d)[-d] = out[d];
}

static void selected_inverse(const SelectedInverseTask& task) {
  const BandSystem& s = task.factor;
  const int wanted = task.reach * task.n_fibre;
  const int extent = wanted > s.half_band ? wanted : s.half_band;
  const InverseRing ring{task.ring, task.ring_rows - 1, task.ring_stride, s.half_band};
  for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(task.ring_rows) * task.ring_stride;
       ++i) {
    task.ring[i] = 0;
  }
  for (int k = s.n - 1; k >= 0; --k) {
    invert_row(s, ring, k, extent);
    const int wave = k / task.n_fibre, fibre = k % task.n_fibre - task.first_fibre;
    if (fibre < 0 || fibre >= task.n_core) continue;
    double* block = task.blocks +
                    static_cast<std::ptrdiff_t>(fibre) * (task.reach + 1) * task.block_stride +
                    wave;
    const double* row = ring.row(k);
    for (int q = 0; q <= task.reach; ++q) {
      block[static_cast<std::ptrdiff_t>(q) * task.block_stride] = row[q * task.n_fibre];
    }
  }
}
