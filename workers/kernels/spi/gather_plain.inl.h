// Gathers where the instruction set has none.
typedef int Ints __attribute__((vector_size(kVectorBytes), may_alias));

inline Ints gathered(const unsigned short* grid, Ints cells) {
  typedef int Pair __attribute__((aligned(2), may_alias));
  Ints out;
  for (int l = 0; l < kVectorBytes / 4; ++l)
    out[l] = *reinterpret_cast<const Pair*>(grid + cells[l]);
  return out;
}
