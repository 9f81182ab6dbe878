typedef int Ints __attribute__((vector_size(64), may_alias));

inline Ints gathered(const unsigned short* grid, Ints cells) {
  return (Ints)_mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, (__m512i)cells, grid, 2);
}

/// One bit a lane that is not 0.
inline unsigned bits(Ints lanes) { return _mm512_test_epi32_mask((__m512i)lanes, (__m512i)lanes); }
