// out[r][n] = init[r][n] + sum over k of a[r][k] * b[k][n], with b packed beforehand. Where columns
// have scales, the sum begins with 0, and is multiplied by its scale before init is added.
#pragma once

#include "pack.h"
#include "tile.h"

namespace longshort::LONGSHORT_ISA {

template <class T>
struct Rows {
  const Given<T>* const* a;
  const Sum<T>* const* init;
  Sum<T>* const* out;
  size_t K;
};

template <class T, size_t R, size_t V, size_t P>
__attribute__((noinline)) void product_tile(const Rows<T>& rows, size_t first, size_t n,
                                            size_t columns, const T* panel) {
  constexpr size_t width = V * vector_columns<T> * pair<T>;
  const size_t K = rows.K;
  const size_t panel_stride = packed_rows<T>(K) / pair<T> * width;
  const T* const scales = panel;
  panel += scale_rows<T> * width;
  const Given<T>* a[R];
  LONGSHORT_UNROLL
  for (size_t r = 0; r < R; ++r) a[r] = rows.a[first + r];
  Tile<T, R, V * P> sum;
  const auto init = [&](size_t r) { return rows.init[first + r] + n; };
  if (rows.init && !is_scaled<T>)
    load_tile(sum, init, columns);
  else
    clear_tile(sum);
  const size_t even = K / pair<T> * pair<T>;
  for (size_t k = 0; k < even; k += pair<T>, panel += width)
    step<P>(sum, [&](size_t r) { return Operand<T>::row(a[r] + k); }, panel, panel_stride);
  if (even < K)
    step<P>(sum, [&](size_t r) { return Operand<T>::last_row(a[r] + even); }, panel, panel_stride);
  if constexpr (is_scaled<T>) {
    Tile<T, R, V * P> start;
    if (rows.init)
      load_tile(start, init, columns);
    else
      clear_tile(start);
    scale_tile<P>(sum, scales, panel_stride, start);
  }
  store_tile(sum, [&](size_t r) { return rows.out[first + r] + n; }, columns);
}

template <class T, size_t V, size_t P, size_t R = Operand<T>::rows>
LONGSHORT_INLINE void product_rows(size_t count, const Rows<T>& rows, size_t first, size_t n,
                                   size_t columns, const T* panel) {
  if (count == R)
    product_tile<T, R, V, P>(rows, first, n, columns, panel);
  else if constexpr (R > 1)
    product_rows<T, V, P, R - 1>(count, rows, first, n, columns, panel);
}

template <class T, size_t V = panel_vectors>
inline void product_panel(size_t m, const Rows<T>& rows, size_t n, size_t columns, size_t vectors,
                          const T* panel) {
  if constexpr (V > 1)
    if (vectors < V) return product_panel<T, V - 1>(m, rows, n, columns, vectors, panel);
  for (size_t first = 0; first < m;) {
    const size_t count = next_rows(m - first, Operand<T>::rows);
    product_rows<T, V, 1>(count, rows, first, n, columns, panel);
    first += count;
  }
}


// init may be null, for zeros; its rows may be one and the same, and each may be the row
// of out. Only columns [n, N) are touched, n being a multiple of panel_columns<T>.
template <class T>
inline void product(size_t m, const Given<T>* const* a_rows, const Sum<T>* const* init_rows,
                    Sum<T>* const* out_rows, const T* packed, size_t K, size_t n, size_t N) {
  const Rows<T> rows{a_rows, init_rows, out_rows, K};
  constexpr size_t wide = 2 * panel_columns<T>;
  constexpr size_t few = Operand<T>::wide_rows;
  // A few rows do not fill the pipes from one panel.
  if (m > 0 && m <= few)
    for (; n + wide <= N; n += wide)
      product_rows<T, panel_vectors, 2, few>(m, rows, 0, n, wide, packed + packed_offset<T>(K, n));
  for (; n < N; n += panel_columns<T>) {
    const size_t columns = smaller(N - n, panel_columns<T>);
    product_panel<T>(m, rows, n, columns, divide_up(columns, vector_columns<T>),
                     packed + packed_offset<T>(K, n));
  }
}

}  // namespace longshort::LONGSHORT_ISA
