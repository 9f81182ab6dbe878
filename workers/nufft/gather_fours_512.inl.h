// Included inside the namespace of AVX-512 (maskz: g++ 12 takes the plain ones for uninitialised),
// after kernels_grid.inl.h: real windows of four cells a row, which are what slices of a model are
// cut with. Four planes of a window lie side by side in a vector, then four points; each number is
// summed in the order of gather_narrow(), to the bit.
using Quad = Vector<float, 16>;
using Quads = Vector<float, 64>;

/// The same four cells of four planes side by side.
inline Quads beside(const float* row, Size plane) {
  __m512 out = _mm512_castps128_ps512(_mm_loadu_ps(row));
  out = _mm512_mask_broadcast_f32x4(out, 0x00f0, _mm_loadu_ps(row + plane));
  out = _mm512_mask_broadcast_f32x4(out, 0x0f00, _mm_loadu_ps(row + 2 * plane));
  return _mm512_mask_broadcast_f32x4(out, 0xf000, _mm_loadu_ps(row + 3 * plane));
}

/// Number `Lane` of each four, four times.
template <int Lane>
inline Quads spread_out(Quads v) {
  return _mm512_maskz_permute_ps(0xffff, v, Lane * 0b01010101);
}

/// out[i] = fours i of a, b, c and d.
inline void transpose_fours(const Quads* in, Quads* out) {
  const auto even = [](Quads a, Quads b) {  // fours 0, 2 of each
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  };
  const auto odd = [](Quads a, Quads b) {  // fours 1, 3 of each
    return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30,
                                   31);
  };
  const Quads even_low = even(in[0], in[1]), even_high = even(in[2], in[3]);
  const Quads odd_low = odd(in[0], in[1]), odd_high = odd(in[2], in[3]);
  out[0] = even(even_low, even_high);
  out[1] = even(odd_low, odd_high);
  out[2] = odd(even_low, even_high);
  out[3] = odd(odd_low, odd_high);
}

/// The windows of four points along one axis: their fours side by side.
inline Quads four_windows(const Quads* coefficients, Quads y) {
  Quads out = coefficients[0];
  for (int power = 1; power <= degree_of(4); ++power) out = out * y + coefficients[power];
  return out;
}

inline Quad four_values(const Run<float>& run, const Quads* coefficients,
                        const Point<float>* points, const float* grid) {
  static_assert(sizeof(Point<float>) == sizeof(Quad));
  const Quads place = load<Quads>(points);
  alignas(64) float y[16];
  const Quads x = four_windows(coefficients, spread_out<0>(place));
  store(y, four_windows(coefficients, spread_out<1>(place)));
  const Quads last = four_windows(coefficients, spread_out<2>(place));
  Quads line[4], plane[4];
#pragma GCC unroll 4
  for (int p = 0; p < 4; ++p) {
    line[p] = Quads{};
    const float* row = grid + points[p].offset;
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j, row += run.row) line[p] += beside(row, run.plane) * y[4 * p + j];
  }
  transpose_fours(line, plane);
  Quads sum = Quads{};
  sum += plane[0] * spread_out<0>(x);
  sum += plane[1] * spread_out<1>(x);
  sum += plane[2] * spread_out<2>(x);
  sum += plane[3] * spread_out<3>(x);
  const Quads all = sum * last;
  Quads value = Quads{};
  value += spread_out<0>(all);
  value += spread_out<1>(all);
  value += spread_out<2>(all);
  value += spread_out<3>(all);
  return __builtin_shufflevector(value, value, 0, 4, 8, 12);
}

template <>
void gather<float, 1, 4>(const Run<float>& run, const float* grid, float* values) {
  Quads coefficients[degree_of(4) + 1];
  for (int power = 0; power <= degree_of(4); ++power) {
    coefficients[power] =
        _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(run.window + power * kStride));
  }
  const Size whole = run.count / 4 * 4;
  for (Size p = 0; p < whole; p += 4)
    store(values + p, four_values(run, coefficients, run.points + p, grid));
  Run<float> rest = run;
  rest.points += whole;
  rest.count -= whole;
  gather_narrow<float, 1, 4>(rest, grid, values + whole);
}
