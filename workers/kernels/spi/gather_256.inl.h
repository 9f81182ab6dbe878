typedef int Ints __attribute__((vector_size(32), may_alias));

inline Ints gathered(const unsigned short* grid, Ints cells) {
  return (Ints)_mm256_i32gather_epi32(reinterpret_cast<const int*>(grid), (__m256i)cells, 2);
}

/// One bit a lane that is not 0 throughout.
inline unsigned bits(Ints lanes) {
  return static_cast<unsigned>(_mm256_movemask_ps((__m256)lanes));
}
