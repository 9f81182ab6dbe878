// Vectors of up to 16 bytes. Included inside the namespace of one instruction set, after
// simd.inl.h.
constexpr int kVectorBytes = 16;
/// Vectors that a loop may hold in registers.
constexpr int kHeld = 10;
