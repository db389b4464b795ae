// out[r][n] = init[r][n] + sum over k of a[r][k] * b[k][n], with b packed beforehand.
#pragma once

#include "tile.h"

namespace longshort::LONGSHORT_ISA {

// ---- the packed matrix: panels of columns, in each panel row k after row k, padded
// with zeros to whole vectors and whole steps

template <class T>
LONGSHORT_INLINE size_t packed_rows(size_t K) { return round_up(K, pair<T>); }

// In elements; the memory should be aligned to a vector.
template <class T>
LONGSHORT_INLINE size_t packed_size(size_t K, size_t N) {
  return packed_rows<T>(K) * round_up(N, vector_columns<T>);
}

// Where the panel of column n begins, n being a multiple of panel_columns<T>; a range of
// columns from there on is a packed matrix of its own.
template <class T>
LONGSHORT_INLINE size_t packed_offset(size_t K, size_t n) { return packed_rows<T>(K) * n; }

LONGSHORT_INLINE void convert(float x, float& out) { out = x; }
LONGSHORT_INLINE void convert(double x, double& out) { out = x; }
LONGSHORT_INLINE void convert(float x, bf16& out) { out = narrow(x); }

// Columns of w go to places `pair` apart; used with contiguous k, so that reading runs
// along the rows of a small block that stays in the first-level cache.
template <class T>
inline void pack_panel(const Sum<T>* w, ptrdiff_t k_stride, ptrdiff_t n_stride, size_t K,
                       size_t columns, size_t width, T* out) {
  constexpr size_t block = 16;
  for (size_t k0 = 0; k0 < K; k0 += block) {
    const size_t k1 = smaller(K, k0 + block);
    for (size_t n = 0; n < columns; ++n) {
      const Sum<T>* from = w + ptrdiff_t(n) * n_stride;
      for (size_t k = k0; k < k1; ++k) {
        T* to = out + (k / pair<T>) * width * pair<T> + n * pair<T> + k % pair<T>;
        convert(from[ptrdiff_t(k) * k_stride], *to);
      }
    }
  }
}

// w[k * k_stride + n * n_stride] into panels.
template <class T>
inline void pack(const Sum<T>* w, ptrdiff_t k_stride, ptrdiff_t n_stride, size_t K, size_t N,
                 T* out) {
  for (size_t n = 0; n < N; n += panel_columns<T>) {
    const size_t columns = smaller(N - n, panel_columns<T>);
    const size_t width = round_up(columns, vector_columns<T>);
    const size_t size = packed_rows<T>(K) * width;
    if (columns < width || K % pair<T> != 0) __builtin_memset(out, 0, size * sizeof(T));
    pack_panel<T>(w + ptrdiff_t(n) * n_stride, k_stride, n_stride, K, columns, width, out);
    out += size;
  }
}

// ---- the product

template <class T>
struct Rows {
  const T* const* a;
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
  const T* a[R];
  LONGSHORT_UNROLL
  for (size_t r = 0; r < R; ++r) a[r] = rows.a[first + r];
  Tile<T, R, V * P> sum;
  if (rows.init)
    load_tile(sum, [&](size_t r) { return rows.init[first + r] + n; }, columns);
  else
    clear_tile(sum);
  const size_t even = K / pair<T> * pair<T>;
  for (size_t k = 0; k < even; k += pair<T>, panel += width)
    step<P>(sum, [&](size_t r) { return Operand<T>::row(a[r] + k); }, panel, panel_stride);
  if (even < K)
    step<P>(sum, [&](size_t r) { return Operand<T>::last_row(a[r] + even); }, panel, panel_stride);
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
// of out. Only N columns of init and out are touched.
template <class T>
inline void product(size_t m, const T* const* a_rows, const Sum<T>* const* init_rows,
                    Sum<T>* const* out_rows, const T* packed, size_t K, size_t N) {
  const Rows<T> rows{a_rows, init_rows, out_rows, K};
  constexpr size_t wide = 2 * panel_columns<T>;
  constexpr size_t few = Operand<T>::wide_rows;
  size_t n = 0;
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
