// Straight lines between the cells of a fine grid, a vector of points at a time. Before:
// gathered(grid, cells) reads two neighbours at each of some cells, as one integer.
typedef float VecLoose __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

inline Vec loose(const float* p) { return *reinterpret_cast<const VecLoose*>(p); }

/// Cells are the upper halves of floats; the first of two lies in the lower half of an integer.
struct Neighbours {
  explicit Neighbours(Ints both)
      : first(reinterpret_cast<Vec>(both << 16)),
        second(reinterpret_cast<Vec>(both & static_cast<int>(0xffff0000u))) {}
  Vec at(Vec part) const { return first + part * (second - first); }
  Vec first;
  Vec second;
};

/// Place on one axis: a cell and how far beyond it.
struct Place {
  explicit Place(Vec u)
      : cell(__builtin_convertvector(u, Ints)), part(u - __builtin_convertvector(cell, Vec)) {}
  Ints cell;
  Vec part;
};

inline void quick_points(const QuickTask& task, Size p) {
  const float* r = task.rotation;
  const Vec x = loose(task.axes + p);
  const Vec y = loose(task.axes + task.size + p);
  const Vec z = loose(task.axes + 2 * task.size + p);
  const Place i(x * r[0] + y * r[3] + z * r[6] + task.middle);
  const Place j(x * r[1] + y * r[4] + z * r[7] + task.middle);
  const Place k(x * r[2] + y * r[5] + z * r[8] + task.middle);
  const Ints cell = i.cell * task.plane + j.cell * task.row + k.cell;
  const Vec a = Neighbours(gathered(task.grid, cell)).at(k.part);
  const Vec b = Neighbours(gathered(task.grid + task.row, cell)).at(k.part);
  const Vec c = Neighbours(gathered(task.grid + task.plane, cell)).at(k.part);
  const Vec d = Neighbours(gathered(task.grid + task.plane + task.row, cell)).at(k.part);
  const Vec low = a + j.part * (b - a);
  const Vec high = c + j.part * (d - c);
  *reinterpret_cast<VecLoose*>(task.out + p) =
      (low + i.part * (high - low)) * loose(task.correction + p);
}

/// The last points are computed twice, not one by one: hence a smallest size.
void quick(const QuickTask& task) {
  Size p = 0;
  for (; p + kVectorFloats <= task.size; p += kVectorFloats) quick_points(task, p);
  if (p < task.size) quick_points(task, task.size - kVectorFloats);
}
