// The model of a patch and the chi2 of the pixels that each bin sees.

static inline void add_model(const Chi2Task& task, int k) {
  const Bins& bins = task.bins;
  const Vec flux = splat(task.flux[k]);
  for (int r = 0; r < bins.height; ++r) {
    const double* stamp = bins.stamp[k] + static_cast<std::ptrdiff_t>(r) * bins.stride;
    double* out = task.model + static_cast<std::ptrdiff_t>(bins.row[k] + r) * task.pixels.stride +
                  bins.col[k];
    for (int v = 0; v < bins.width; v += kLanes) {
      store(out + v, load(out + v) + flux * load(stamp + v));
    }
  }
}

/// 1 / (1 / weight + e^2) = weight / (1 + weight e^2) for weight > 0, else 0.
static inline void pixel_terms(const Chi2Task& task, std::ptrdiff_t at) {
  const Vec model = load(task.model + at), weight = load(task.pixels.weight + at);
  const Vec error = model * task.psf_error + 1e-32;
  const Vec residual = load(task.pixels.value + at) - model;
  const Vec total = weight / (1.0 + weight * error * error);
  store(task.chi2 + at, residual * residual * total);
  store(task.used + at, total > 0.0 ? splat(1.0) : splat(0.0));
}

static inline double chi2_of(const Chi2Task& task, int k) {
  const Bins& bins = task.bins;
  Vec chi2 = splat(0.0), used = splat(0.0);
  for (int r = 0; r < bins.height; ++r) {
    const double* stamp = bins.stamp[k] + static_cast<std::ptrdiff_t>(r) * bins.stride;
    const std::ptrdiff_t at =
        static_cast<std::ptrdiff_t>(bins.row[k] + r) * task.pixels.stride + bins.col[k];
    for (int v = 0; v < bins.width; v += kLanes) {
      const Vec s = load(stamp + v);
      chi2 += s * load(task.chi2 + at + v);
      used += s * load(task.used + at + v);
    }
  }
  const double n = sum(used);
  return n > 0 ? sum(chi2) / n : 0;
}

static void pixel_chi2(const Chi2Task& task) {
  const std::ptrdiff_t n_pixel =
      static_cast<std::ptrdiff_t>(task.pixels.n_row) * task.pixels.stride;
  for (std::ptrdiff_t i = 0; i < n_pixel; ++i) task.model[i] = 0;
  for (int k = 0; k < task.bins.size(); ++k) add_model(task, k);
  for (std::ptrdiff_t at = 0; at < n_pixel; at += kLanes) pixel_terms(task, at);
  for (int s = 0; s < task.n_core; ++s) {
    for (int w = 0; w < task.n_core_wave; ++w) {
      const int k = (task.first_wave + w) * task.bins.n_fibre + task.first_fibre + s;
      task.chi2pix[static_cast<std::ptrdiff_t>(s) * task.n_core_wave + w] = chi2_of(task, k);
    }
  }
}
