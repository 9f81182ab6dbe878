// Vectors of 16 bytes. Included inside the namespace of one instruction set.
typedef float VecF __attribute__((vector_size(16)));
typedef double VecD __attribute__((vector_size(16)));
typedef long long Bits __attribute__((vector_size(16)));
typedef int Ints __attribute__((vector_size(16)));
typedef unsigned Unsigneds __attribute__((vector_size(16)));
typedef unsigned short Shorts __attribute__((vector_size(8)));

inline Quad fold(VecF v) { return v; }
inline Pair fold(VecD v) { return v; }

/// Halves are never negative, infinite or NaN here: shifted into place, they are 2^-112 too small.
inline VecF from_half(const unsigned short* p) {
  Shorts half;
  __builtin_memcpy(&half, p, sizeof half);
  const Unsigneds shifted = __builtin_convertvector(half, Unsigneds) << 13;
  VecF value;
  __builtin_memcpy(&value, &shifted, sizeof value);
  return value * 0x1p112f;
}

/// Little-endian: zeros go above each byte.
inline Ints from_bytes(const unsigned char* p) {
  typedef unsigned char All __attribute__((vector_size(16)));
  All bytes = {};
  __builtin_memcpy(&bytes, p, 4);
  const All spread =
      __builtin_shufflevector(bytes, bytes, 0, 4, 4, 4, 1, 4, 4, 4, 2, 4, 4, 4, 3, 4, 4, 4);
  Ints out;
  __builtin_memcpy(&out, &spread, sizeof out);
  return out;
}
