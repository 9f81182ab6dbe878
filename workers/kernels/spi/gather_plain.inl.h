// Gathers where the instruction set has none.
typedef int Ints __attribute__((vector_size(kVectorBytes), may_alias));

inline Ints gathered(const unsigned short* grid, Ints cells) {
  typedef int Pair __attribute__((aligned(2), may_alias));
  Ints out;
  for (int l = 0; l < kVectorBytes / 4; ++l)
    out[l] = *reinterpret_cast<const Pair*>(grid + cells[l]);
  return out;
}

/// One bit a lane that is not 0.
inline unsigned bits(Ints lanes) {
  unsigned out = 0;
  for (int l = 0; l < kVectorBytes / 4; ++l) out |= (lanes[l] != 0 ? 1u : 0u) << l;
  return out;
}
