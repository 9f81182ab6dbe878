// Normal equations: overlaps of stamps, weighted.

/// Sum over rows and vectors of u q, lane by lane.
template <int kVectors>
static inline Vec overlap(const double* u, const double* q, int n_row, int stride) {
  Vec total[kVectors];
  for (int v = 0; v < kVectors; ++v) total[v] = splat(0.0);
  for (int r = 0; r < n_row; ++r) {
    for (int v = 0; v < kVectors; ++v) total[v] += load(u + v * kLanes) * load(q + v * kLanes);
    u += stride;
    q += stride;
  }
  for (int v = 1; v < kVectors; ++v) total[0] += total[v];
  return total[0];
}

static inline Vec overlap(int n_vector, const double* u, const double* q, int n_row, int stride) {
  switch (n_vector) {
    case 1:
      return overlap<1>(u, q, n_row, stride);
    case 2:
      return overlap<2>(u, q, n_row, stride);
    case 3:
      return overlap<3>(u, q, n_row, stride);
    case 4:
      return overlap<4>(u, q, n_row, stride);
    case 5:
      return overlap<5>(u, q, n_row, stride);
    default:
      break;
  }
  return overlap<5>(u, q, n_row, stride) +
         overlap(n_vector - 5, u + 5 * kLanes, q + 5 * kLanes, n_row, stride);
}

/// Collects lane-wise sums and stores their totals kLanes at a time.
struct Totals {
  Vec pending[kLanes];
  double* target[kLanes];
  int n = 0;

  void add(Vec v, double* to) {
    pending[n] = v;
    target[n] = to;
    if (++n == kLanes) flush();
  }
  void flush() {
    for (int i = n; i < kLanes; ++i) pending[i] = splat(0.0);
    const Vec total = sums(pending);
    for (int i = 0; i < n; ++i) *target[i] = total[i];
    n = 0;
  }
};

/// out = stamp * weight, with its sums.
static inline void weigh(const NormalTask& task, int k, double* out, Totals& totals) {
  const Bins& bins = task.bins;
  const Pixels& pixels = task.pixels;
  const std::ptrdiff_t first =
      static_cast<std::ptrdiff_t>(bins.row[k]) * pixels.stride + bins.col[k];
  const int n_vector = (bins.width + kLanes - 1) / kLanes;
  Vec data = splat(0.0), weight = splat(0.0), bad = splat(0.0);
  for (int r = 0; r < bins.height; ++r) {
    const double* stamp = bins.stamp[k] + static_cast<std::ptrdiff_t>(r) * bins.stride;
    const std::ptrdiff_t at = first + static_cast<std::ptrdiff_t>(r) * pixels.stride;
    double* row = out + static_cast<std::ptrdiff_t>(r) * bins.stride;
    for (int v = 0; v < n_vector * kLanes; v += kLanes) {
      const Vec s = load(stamp + v), u = s * load(pixels.weight + at + v);
      store(row + v, u);
      weight += u;
      data += u * load(pixels.value + at + v);
      bad += s * load(pixels.bad + at + v);
    }
  }
  totals.add(data, task.rhs + k);
  totals.add(weight, task.flux_weight + k);
  totals.add(bad, task.bad_fraction + k);
}

/// M between bin k, whose weighted stamp is given, and a later one.
static inline void overlap_bins(const NormalTask& task, int k, const double* weighted, int other,
                                Totals& totals) {
  const Bins& bins = task.bins;
  const int dx = bins.col[other] - bins.col[k], dy = bins.row[other] - bins.row[k];
  const int far_x = dx < 0 ? -dx : dx, far_y = dy < 0 ? -dy : dy;
  if (far_x >= bins.width || far_y >= bins.height) return;
  const double* u = weighted + (dy > 0 ? dy : 0) * bins.stride + (dx > 0 ? dx : 0);
  const double* q = bins.stamp[other] + (dy < 0 ? -dy : 0) * bins.stride + (dx < 0 ? -dx : 0);
  const Vec total =
      overlap((bins.width - far_x + kLanes - 1) / kLanes, u, q, bins.height - far_y, bins.stride);
  totals.add(total, task.band + static_cast<std::ptrdiff_t>(k) * task.band_stride + (other - k));
}

static void normal_equations(const NormalTask& task) {
  const Bins& bins = task.bins;
  const std::ptrdiff_t n_scratch = static_cast<std::ptrdiff_t>(normal_scratch(bins));
  for (std::ptrdiff_t i = 0; i < n_scratch; ++i) task.scratch[i] = 0;
  Totals totals;
  for (int k = 0; k < bins.size(); ++k) {
    weigh(task, k, task.scratch, totals);
    const int last = k + task.half_band < bins.size() ? k + task.half_band : bins.size() - 1;
    for (int other = k; other <= last; ++other) overlap_bins(task, k, task.scratch, other, totals);
  }
  totals.flush();
}
