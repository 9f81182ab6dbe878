// The tiled product. kVectorBytes and kTileRows come before: a tile is kTileRows x 2 vectors, as
// many as registers hold; bits(lanes) too.
typedef float Vec __attribute__((vector_size(kVectorBytes), may_alias));
constexpr int kVectorFloats = kVectorBytes / 4;
constexpr int kTileColumns = 2 * kVectorFloats;

inline Vec* vectors(float* p) { return reinterpret_cast<Vec*>(p); }
inline const Vec* vectors(const float* p) { return reinterpret_cast<const Vec*>(p); }

/// c [kTileRows, kTileColumns] = or += a [depth, kTileRows]^T b [depth, kTileColumns].
inline void tile(Size depth, const float* a, const float* b, float* c, bool add) {
  Vec sum[kTileRows][2];
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
    sum[r][0] = Vec{};
    sum[r][1] = Vec{};
  }
  for (Size k = 0; k < depth; ++k) {
    const Vec left = vectors(b)[0];
    const Vec right = vectors(b)[1];
#pragma GCC unroll 16
    for (int r = 0; r < kTileRows; ++r) {
      sum[r][0] += a[r] * left;
      sum[r][1] += a[r] * right;
    }
    a += kTileRows;
    b += kTileColumns;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kTileRows; ++r) {
    Vec* to = vectors(c) + 2 * r;
    to[0] = add ? to[0] + sum[r][0] : sum[r][0];
    to[1] = add ? to[1] + sum[r][1] : sum[r][1];
  }
}

void multiply(const ProductTask& task) {
  for (Size j = 0; j < task.column_panels; ++j)
    for (Size i = 0; i < task.row_panels; ++i)
      tile(task.depth, task.a + i * task.a_stride, task.b + j * task.b_stride,
           task.c + (i * task.column_panels + j) * kTileRows * kTileColumns, task.add);
}

/// Four values at a time, so that their sums need not wait for each other.
void gather(const GatherTask& task) {
  Vec sum[4][2] = {};
  Size k = 0;
  for (; k + 4 <= task.frame.listed; k += 4) {
#pragma GCC unroll 4
    for (int way = 0; way < 4; ++way) {
      const float value = task.frame.value[k + way];
      const Vec* at = vectors(task.b + task.frame.pixel[k + way] * kTileColumns);
      sum[way][0] += value * at[0];
      sum[way][1] += value * at[1];
    }
  }
  for (; k < task.frame.listed; ++k) {
    const Vec* at = vectors(task.b + task.frame.pixel[k] * kTileColumns);
    sum[0][0] += task.frame.value[k] * at[0];
    sum[0][1] += task.frame.value[k] * at[1];
  }
  Vec* to = vectors(task.c);
  to[0] = (sum[0][0] + sum[1][0]) + (sum[2][0] + sum[3][0]);
  to[1] = (sum[0][1] + sum[1][1]) + (sum[2][1] + sum[3][1]);
}

Size select(const SelectTask& task, Hit* hits) {
  Size found = 0;
  for (int r = 0; r < kTileRows; ++r) {
    const Vec* c = vectors(task.c + r * kTileColumns);
    const float factor = task.factor[r];
    const float threshold = task.threshold[r];
    const Vec score[2] = {c[0] + factor * vectors(task.bias)[0],
                          c[1] + factor * vectors(task.bias)[1]};
    unsigned over = bits(score[0] > threshold) | bits(score[1] > threshold) << kVectorFloats;
    for (; over != 0; over &= over - 1) {
      const int l = __builtin_ctz(over);
      hits[found++] = {score[l / kVectorFloats][l % kVectorFloats], r, l};
    }
  }
  return found;
}
