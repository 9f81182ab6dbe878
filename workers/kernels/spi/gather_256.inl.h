typedef int Ints __attribute__((vector_size(32), may_alias));

inline Ints gathered(const unsigned short* grid, Ints cells) {
  return (Ints)_mm256_i32gather_epi32(reinterpret_cast<const int*>(grid), (__m256i)cells, 2);
}
