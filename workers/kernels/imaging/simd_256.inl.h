// Vectors of 32 bytes. Included inside the namespace of one instruction set.
typedef float VecF __attribute__((vector_size(32)));
typedef double VecD __attribute__((vector_size(32)));
typedef long long Bits __attribute__((vector_size(32)));
typedef int Ints __attribute__((vector_size(32)));
typedef unsigned Unsigneds __attribute__((vector_size(32)));
typedef unsigned short Shorts __attribute__((vector_size(16)));

inline Quad fold(VecF v) {
  return __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
}
inline Pair fold(VecD v) {
  return __builtin_shufflevector(v, v, 0, 1) + __builtin_shufflevector(v, v, 2, 3);
}

inline VecF from_half(const unsigned short* p) {
  return (VecF)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

inline Ints from_bytes(const unsigned char* p) {
  return (Ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
