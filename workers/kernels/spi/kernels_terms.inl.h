// Sums of terms over a slice. Lanes side by side: an order that is the same for every vector width,
// and that compilers vectorise.
constexpr int kTermLanes = 16;

template <class T>
struct TermOf {
  static PoissonTerm from(const SliceTask& task, PoissonTerm*) { return {task.floor}; }
  static BackgroundTerm from(const SliceTask& task, BackgroundTerm*) {
    return {task.floor, task.fluence};
  }
  static SqrtTerm from(const SliceTask&, SqrtTerm*) { return {}; }
  static EuclidTerm from(const SliceTask&, EuclidTerm*) { return {}; }
  static T of(const SliceTask& task) { return from(task, static_cast<T*>(nullptr)); }
};

struct Lanes {
  double fit[kTermLanes] = {};
  double total[kTermLanes] = {};

  TermSums sum() const {
    TermSums sums{0, 0};
    for (int l = 0; l < kTermLanes; ++l) {
      sums.fit += fit[l];
      sums.total += total[l];
    }
    return sums;
  }
};

template <class T>
float background_at(const SliceTask& task, Size p) {
  return __is_same(T, BackgroundTerm) ? task.background[p] : 0.0f;
}

template <class T>
TermSums dense_sums(const SliceTask& task, const float* value) {
  const T term = TermOf<T>::of(task);
  Lanes lanes;
  Size p = 0;
  for (; p + kTermLanes <= task.size; p += kTermLanes) {
    for (int l = 0; l < kTermLanes; ++l) {
      const Term t = term(task.model[p + l], background_at<T>(task, p + l));
      lanes.fit[l] += static_cast<double>(value[p + l]) * static_cast<double>(t.fit);
      lanes.total[l] += static_cast<double>(t.total);
    }
  }
  for (int l = 0; p + l < task.size; ++l) {
    const Term t = term(task.model[p + l], background_at<T>(task, p + l));
    lanes.fit[l] += static_cast<double>(value[p + l]) * static_cast<double>(t.fit);
    lanes.total[l] += static_cast<double>(t.total);
  }
  return lanes.sum();
}

/// dense_sums() without the total, to the bit.
template <class T>
double dense_fit(const SliceTask& task, const float* value) {
  const T term = TermOf<T>::of(task);
  Lanes lanes;
  Size p = 0;
  for (; p + kTermLanes <= task.size; p += kTermLanes)
    for (int l = 0; l < kTermLanes; ++l)
      lanes.fit[l] +=
          static_cast<double>(value[p + l]) *
          static_cast<double>(term(task.model[p + l], background_at<T>(task, p + l)).fit);
  for (int l = 0; p + l < task.size; ++l)
    lanes.fit[l] += static_cast<double>(value[p + l]) *
                    static_cast<double>(term(task.model[p + l], background_at<T>(task, p + l)).fit);
  return lanes.sum().fit;
}

/// Totals only: no logarithm is taken.
template <class T>
double totals(const SliceTask& task) {
  const T term = TermOf<T>::of(task);
  Lanes lanes;
  Size p = 0;
  for (; p + kTermLanes <= task.size; p += kTermLanes)
    for (int l = 0; l < kTermLanes; ++l)
      lanes.total[l] += static_cast<double>(term(task.model[p + l], 0.0f).total);
  for (int l = 0; p + l < task.size; ++l)
    lanes.total[l] += static_cast<double>(term(task.model[p + l], 0.0f).total);
  return lanes.sum().total;
}

template <class T>
double listed_fit(const SliceTask& task, const FrameTask& frame) {
  const T term = TermOf<T>::of(task);
  Lanes lanes;
  Size k = 0;
  for (; k + kTermLanes <= frame.listed; k += kTermLanes) {
    float fit[kTermLanes];
    for (int l = 0; l < kTermLanes; ++l) {
      const Size p = static_cast<Size>(frame.pixel[k + l]);
      fit[l] = term(task.model[p], background_at<T>(task, p)).fit;
    }
    for (int l = 0; l < kTermLanes; ++l)
      lanes.fit[l] += static_cast<double>(frame.value[k + l]) * static_cast<double>(fit[l]);
  }
  for (int l = 0; k + l < frame.listed; ++l) {
    const Size p = static_cast<Size>(frame.pixel[k + l]);
    const float fit = term(task.model[p], background_at<T>(task, p)).fit;
    lanes.fit[l] += static_cast<double>(frame.value[k + l]) * static_cast<double>(fit);
  }
  return lanes.sum().fit;
}

template <class T>
void term_values(const SliceTask& task, float* out) {
  const T term = TermOf<T>::of(task);
  for (Size p = 0; p < task.size; ++p) out[p] = term(task.model[p], background_at<T>(task, p)).fit;
}

template <class T>
constexpr TermKernels term_kernels() {
  return {dense_sums<T>, dense_fit<T>, listed_fit<T>, totals<T>, term_values<T>};
}
