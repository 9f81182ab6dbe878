// The inverse of a covariance block and its symmetric root.

/// Solves kLanes neighbouring local systems C[w..w+reach] g = e1 / sqrt(e1' C^-1 e1): with C = R R'
/// (R upper triangular, made from the last column on), R' g = e1.
static inline void local_factor(const SchurTask& task, int wave) {
  const int n = task.reach + 1;
  Vec* r = reinterpret_cast<Vec*>(task.local);
  const auto at = [n](int p, int q) { return p * n - p * (p - 1) / 2 + q - p; };
  for (int p = 0; p < n; ++p) {
    for (int q = p; q < n; ++q) {
      r[at(p, q)] =
          load(task.covariance + static_cast<std::ptrdiff_t>(q - p) * task.stride + wave + p);
    }
  }
  for (int c = n - 1; c >= 0; --c) {
    Vec& pivot = r[at(c, c)];
    for (int i = 0; i < kLanes; ++i) pivot[i] = __builtin_sqrt(pivot[i]);
    const Vec inverse = 1.0 / pivot;
    for (int p = 0; p < c; ++p) r[at(p, c)] *= inverse;
    for (int q = 0; q < c; ++q) {
      const Vec scale = r[at(q, c)];
      for (int p = 0; p <= q; ++p) r[at(p, q)] -= scale * r[at(p, c)];
    }
  }
  Vec g[kMaxReach + 1];
  g[0] = 1.0 / r[at(0, 0)];
  for (int p = 1; p < n; ++p) {
    Vec total = splat(0.0);
    for (int q = 0; q < p; ++q) total += r[at(q, p)] * g[q];
    g[p] = -total / r[at(p, p)];
  }
  for (int p = 0; p < n; ++p) {
    store(task.factor + static_cast<std::ptrdiff_t>(p) * task.stride + kLead + wave, g[p]);
  }
}

static double schur_band(const SchurTask& task) {
  for (int wave = 0; wave < task.n_wave; wave += kLanes) local_factor(task, wave);
  // Rows past the last wave came from padding: they must not add to S.
  for (int p = 0; p <= task.reach; ++p) {
    double* row = task.factor + static_cast<std::ptrdiff_t>(p) * task.stride + kLead;
    for (int w = task.n_wave; w < task.n_wave + kLanes; ++w) row[w] = 0;
  }
  for (int d = 0; d <= task.reach; ++d) {
    double* out = task.schur + static_cast<std::ptrdiff_t>(d) * task.stride;
    for (int wave = 0; wave < task.n_wave; wave += kLanes) {
      Vec total = splat(0.0);
      for (int p = 0; p + d <= task.reach; ++p) {
        const double* g =
            task.factor + static_cast<std::ptrdiff_t>(p) * task.stride + kLead + wave - p;
        total += load(g) * load(g + static_cast<std::ptrdiff_t>(d) * task.stride);
      }
      store(out + wave, total);
    }
    for (int w = task.n_wave - d > 0 ? task.n_wave - d : 0; w < task.n_wave + kLanes; ++w)
      out[w] = 0;
  }
  double beyond = 0;
  const double* first = task.factor + kLead;
  const double* last = first + static_cast<std::ptrdiff_t>(task.reach) * task.stride;
  for (int w = 0; w + task.reach < task.n_wave; ++w) {
    const double ratio = __builtin_fabs(last[w] / first[w + task.reach]);
    if (ratio > beyond) beyond = ratio;
  }
  return beyond;
}

/// One pole per lane: S + pole = L D L', its band of the inverse, and two solutions. The scratch
/// holds per wave D, the scaled row L(w + p, w) for p = 1..kReach, then the two right-hand sides
/// and 1 / D.
template <int kReach>
struct PoleLanes {
  static constexpr int kRow = kReach + 4;
  static constexpr int kRing = kReach < 16 ? 16 : kReach < 32 ? 32 : 64;
  const RootTask& task;
  Vec pole, weight;
  Vec (*inverse)[kReach + 1];  ///< [kRing] rows of the inverse's band

  Vec* row(int wave) const {
    return reinterpret_cast<Vec*>(task.scratch) + static_cast<std::ptrdiff_t>(wave + kReach) * kRow;
  }

  void forward() const {
    for (int i = 0; i < kReach * kRow; ++i) row(-kReach)[i] = splat(0.0);
    for (int w = 0; w < task.n_wave; ++w) {
      Vec u[kReach + 1];
      for (int d = 0; d <= kReach; ++d) {
        u[d] = splat(task.schur[static_cast<std::ptrdiff_t>(d) * task.stride + w]);
      }
      u[0] += pole;
      Vec ones = splat(1.0), flux = splat(task.flux[w]);
      for (int p = kReach; p >= 1; --p) {
        const Vec* before = row(w - p);
        const Vec scaled = before[p], unscaled = scaled * before[0];
#pragma GCC unroll 32
        for (int d = 0; d + p <= kReach; ++d) u[d] -= unscaled * before[p + d];
        ones -= scaled * before[kReach + 1];
        flux -= scaled * before[kReach + 2];
      }
      Vec* out = row(w);
      const Vec reciprocal = 1.0 / u[0];
      out[0] = u[0];
      for (int d = 1; d <= kReach; ++d) out[d] = u[d] * reciprocal;
      out[kReach + 1] = ones;
      out[kReach + 2] = flux;
      out[kReach + 3] = reciprocal;
    }
  }

  /// The band of the inverse at wave w, into the ring.
  void invert(int w) const {
    const Vec* l = row(w);
    const Vec* later[kReach + 1];
    for (int d = 1; d <= kReach; ++d) later[d] = inverse[(w + d) & (kRing - 1)];
    Vec total[kReach + 1];
    for (int q = 1; q <= kReach; ++q) total[q] = splat(0.0);
    for (int d = 1; d <= kReach; ++d) {
#pragma GCC unroll 32
      for (int q = 1; q <= kReach; ++q) {
        total[q] += l[d] * (q >= d ? later[d][q - d] : later[q][d - q]);
      }
    }
    Vec diagonal = l[kReach + 3];
    for (int q = 1; q <= kReach; ++q) diagonal += l[q] * total[q];
    Vec* out = inverse[w & (kRing - 1)];
    out[0] = diagonal;
    for (int q = 1; q <= kReach; ++q) out[q] = -total[q];
  }

  void backward() const {
    for (int i = 0; i < kRing; ++i) {
      for (int q = 0; q <= kReach; ++q) inverse[i][q] = splat(0.0);
    }
    for (int w = task.n_wave - 1; w >= 0; --w) {
      invert(w);
      Vec* own = row(w);
      Vec ones = own[kReach + 1] * own[kReach + 3], flux = own[kReach + 2] * own[kReach + 3];
      for (int p = 1; p <= kReach && w + p < task.n_wave; ++p) {
        ones -= own[p] * row(w + p)[kReach + 1];
        flux -= own[p] * row(w + p)[kReach + 2];
      }
      own[kReach + 1] = ones;
      own[kReach + 2] = flux;
      add_result(w, ones, flux);
    }
  }

  void add_result(int w, Vec ones, Vec flux) const {
    const Vec* band = inverse[w & (kRing - 1)];
    const int n = task.n_diag + 3;
    double* out = task.result + static_cast<std::ptrdiff_t>(w) * n;
    Vec value[kMaxHalfSize + 3 + kLanes];
    value[0] = weight * (1.0 - pole * ones);
    value[1] = weight * (task.flux[w] - pole * flux);
    value[2] = weight * (1.0 - pole * band[0]);
    for (int d = 1; d <= task.n_diag; ++d) value[2 + d] = -weight * pole * band[d];
    for (int i = n; i < n + kLanes; ++i) value[i] = splat(0.0);
    for (int i = 0; i < n; i += kLanes) {
      const Vec total = sums(value + i);
      for (int j = 0; j < kLanes && i + j < n; ++j) out[i + j] += total[j];
    }
  }
};

template <int kReach>
static void symmetric_root_of(const RootTask& task) {
  const int n = task.n_wave * (task.n_diag + 3);
  for (int i = 0; i < n; ++i) task.result[i] = 0;
  Vec inverse[PoleLanes<kReach>::kRing][kReach + 1];
  for (int first = 0; first < task.n_pole; first += kLanes) {
    const PoleLanes<kReach> lanes{task, load(task.pole + first), load(task.weight + first),
                                  inverse};
    lanes.forward();
    lanes.backward();
  }
}

static void symmetric_root(const RootTask& task) {
  switch (task.reach) {
    case 8:
      return symmetric_root_of<8>(task);
    case 12:
      return symmetric_root_of<12>(task);
    case 16:
      return symmetric_root_of<16>(task);
    case 24:
      return symmetric_root_of<24>(task);
    default:
      return symmetric_root_of<32>(task);
  }
}
