// Vectors of 64 bytes. Included inside the namespace of one instruction set.
typedef float VecF __attribute__((vector_size(64)));
typedef double VecD __attribute__((vector_size(64)));
typedef long long Bits __attribute__((vector_size(64)));
typedef int Ints __attribute__((vector_size(64)));
typedef unsigned Unsigneds __attribute__((vector_size(64)));
typedef unsigned short Shorts __attribute__((vector_size(32)));

inline Quad fold(VecF v) {
  typedef float Half __attribute__((vector_size(32)));
  const Half h = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  return __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
}
inline Pair fold(VecD v) {
  typedef double Half __attribute__((vector_size(32)));
  const Half h =
      __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
  return __builtin_shufflevector(h, h, 0, 1) + __builtin_shufflevector(h, h, 2, 3);
}

inline VecF from_half(const unsigned short* p) {
  return (VecF)_mm512_maskz_cvtph_ps(0xffff,
                                     _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

inline Ints from_bytes(const unsigned char* p) {
  return (Ints)_mm512_maskz_cvtepu8_epi32(0xffff,
                                          _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
