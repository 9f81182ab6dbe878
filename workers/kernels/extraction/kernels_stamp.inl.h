// Stamps, kLanes wavelengths at a time: one wavelength per lane, so that no lane depends on
// another.

constexpr int kMaxTerms = kMaxDegree + 1;
constexpr int kMaxPixels = 2 * kMaxHalfSize + 2;

/// Integrals of Gauss-Hermite functions over pixels along one axis, of degree 0..degree.
struct Axis {
  Vec integral[kMaxTerms][kMaxPixels];
};

/// Edges lie at offset + k - 1/2 from the centre; integral[m][k] = He_{m-1} phi between edges.
static void integrate_axis(Vec offset, Vec sigma, int n, int degree, Axis& axis) {
  constexpr double kInverseSqrt2Pi = 0.39894228040143267794;
  constexpr double kSqrtHalf = 0.70710678118654752440;
  const Vec inverse = 1.0 / sigma;
  Vec low[kMaxTerms];
  for (int k = 0; k <= n; ++k) {
    const Vec u = (offset + (k - 0.5)) * inverse;
    const Vec gauss = exp_negative(-0.5 * u * u);
    const Vec positive = erf_positive((u < 0.0 ? -u : u) * kSqrtHalf, gauss);
    Vec high[kMaxTerms];
    high[0] = 0.5 * (u < 0.0 ? -positive : positive);
    Vec hermite = splat(1.0), before = splat(0.0);
    for (int m = 1; m <= degree; ++m) {
      high[m] = -(hermite * gauss * kInverseSqrt2Pi);
      const Vec next = u * hermite - (m - 1.0) * before;
      before = hermite;
      hermite = next;
    }
    for (int m = 0; m <= degree; ++m) {
      if (k > 0) axis.integral[m][k - 1] = high[m] - low[m];
      low[m] = high[m];
    }
  }
}

struct StampLanes {
  const StampTask& task;
  int lane;  ///< first of kLanes wavelengths

  Vec parameter(int row) const {
    const double* coef = task.coef[row];
    const double* basis = task.basis + lane;
    Vec value = coef[0] * load(basis);
    for (int k = 1; k < task.n_coef; ++k) value += coef[k] * load(basis + k * task.basis_stride);
    return value;
  }
};

/// pixels[y, x] += sum_ij GH_ij gx_i[x] gy_j[y], in two stages.
static void add_core(const StampLanes& lanes, int first_row, int degree_x, int degree_y,
                     const Axis& x, const Axis& y, Vec* pixels) {
  const int width = lanes.task.width, height = lanes.task.height;
  Vec along_x[kMaxTerms][kMaxPixels];
  for (int j = 0; j <= degree_y; ++j) {
    Vec coef[kMaxTerms];
    for (int i = 0; i <= degree_x; ++i) {
      coef[i] = lanes.parameter(first_row + i * (degree_y + 1) + j);
    }
    for (int k = 0; k < width; ++k) {
      Vec total = coef[0] * x.integral[0][k];
      for (int i = 1; i <= degree_x; ++i) total += coef[i] * x.integral[i][k];
      along_x[j][k] = total;
    }
  }
  for (int r = 0; r < height; ++r) {
    for (int k = 0; k < width; ++k) {
      Vec total = y.integral[0][r] * along_x[0][k];
      for (int j = 1; j <= degree_y; ++j) total += y.integral[j][r] * along_x[j][k];
      pixels[r * width + k] += total;
    }
  }
}

/// Keeps the core inside `radius` sigma of the centre only.
static void cut_core(const StampTask& task, Vec offset_x, Vec offset_y, Vec inverse_x,
                     Vec inverse_y, Vec radius, Vec* pixels) {
  for (int r = 0; r < task.height; ++r) {
    const Vec dy = (offset_y + static_cast<double>(r)) * inverse_y;
    for (int k = 0; k < task.width; ++k) {
      const Vec dx = (offset_x + static_cast<double>(k)) * inverse_x;
      Vec& pixel = pixels[r * task.width + k];
      pixel = dx * dx + dy * dy < radius * radius ? pixel : splat(0.0);
    }
  }
}

/// amplitude r2 / (core^2 + r2)^(1 + index / 2), sampled at pixel centres.
static void add_tail(const StampLanes& lanes, Vec offset_x, Vec offset_y, Vec* pixels) {
  const StampTask& task = lanes.task;
  const Vec amplitude = lanes.parameter(kTailAmplitude), core = lanes.parameter(kTailCore);
  const Vec scale_x = lanes.parameter(kTailScaleX), scale_y = lanes.parameter(kTailScaleY);
  const Vec power = -1.0 - 0.5 * lanes.parameter(kTailIndex);
  for (int r = 0; r < task.height; ++r) {
    const Vec dy = (offset_y + static_cast<double>(r)) * scale_y;
    for (int k = 0; k < task.width; ++k) {
      const Vec dx = (offset_x + static_cast<double>(k)) * scale_x;
      const Vec r2 = dx * dx + dy * dy, base = core * core + r2;
      Vec tail = splat(0.0);
      for (int i = 0; i < kLanes; ++i) {
        if (amplitude[i] != 0 && r2[i] > 0) tail[i] = r2[i] * __builtin_pow(base[i], power[i]);
      }
      pixels[r * task.width + k] += amplitude * tail;
    }
  }
}

static void clip_and_normalise(int n, Vec* pixels) {
  Vec total = splat(0.0);
  for (int i = 0; i < n; ++i) {
    pixels[i] = pixels[i] > 0.0 ? pixels[i] : splat(0.0);
    total += pixels[i];
  }
  const Vec scale = total > 0.0 ? 1.0 / total : splat(0.0);
  for (int i = 0; i < n; ++i) pixels[i] *= scale;
}

static void scatter_stamps(const StampTask& task, int lane, const Vec* pixels) {
  for (int i = 0; i < kLanes; ++i) {
    double* out = task.out[lane + i];
    if (out == nullptr) continue;
    for (int r = 0; r < task.height; ++r) {
      double* row = out + static_cast<std::ptrdiff_t>(r) * task.stride;
      for (int k = 0; k < task.width; ++k) row[k] = pixels[r * task.width + k][i];
      for (int k = task.width; k < task.stride; ++k) row[k] = 0;
    }
  }
}

static void make_stamps(const StampTask& task) {
  Axis x, y;
  Vec pixels[kMaxPixels * kMaxPixels];
  for (int lane = 0; lane < kStampLanes; lane += kLanes) {
    const StampLanes lanes{task, lane};
    const Vec offset_x = load(task.offset_x + lane), offset_y = load(task.offset_y + lane);
    const Vec sigma_x = lanes.parameter(kSigmaX), sigma_y = lanes.parameter(kSigmaY);
    const int n = task.width * task.height;
    for (int i = 0; i < n; ++i) pixels[i] = splat(0.0);
    integrate_axis(offset_x, sigma_x, task.width, task.degree_x, x);
    integrate_axis(offset_y, sigma_y, task.height, task.degree_y, y);
    add_core(lanes, kFirstGh, task.degree_x, task.degree_y, x, y, pixels);
    if (task.degree2_x >= 0) {
      cut_core(task, offset_x, offset_y, 1.0 / sigma_x, 1.0 / sigma_y, lanes.parameter(kCoreRadius),
               pixels);
      integrate_axis(offset_x, lanes.parameter(kSigma2X), task.width, task.degree2_x, x);
      integrate_axis(offset_y, lanes.parameter(kSigma2Y), task.height, task.degree2_y, y);
      const int second = kFirstGh + (task.degree_x + 1) * (task.degree_y + 1);
      add_core(lanes, second, task.degree2_x, task.degree2_y, x, y, pixels);
    }
    if (task.tails) add_tail(lanes, offset_x, offset_y, pixels);
    clip_and_normalise(n, pixels);
    scatter_stamps(task, lane, pixels);
  }
}

static void legendre_sum(const double* coef, int n_coef, const double* basis,
                         std::ptrdiff_t basis_stride, int n, double* out) {
  for (int i = 0; i < n; ++i) {
    double value = coef[0] * basis[i];
    for (int k = 1; k < n_coef; ++k) value += coef[k] * basis[k * basis_stride + i];
    out[i] = value;
  }
}
