// c[m][n] += sum over k of a[k][m] * b[k][n]: the products behind weight gradients.
//
// Both operands are repacked in blocks, as their rows may lie anywhere. An element of c
// continues its one chain of additions over all blocks along k, so neither the split of
// the columns over threads nor that of k over calls changes a bit (for bf16: calls whose
// K is even).
#pragma once

#include "tile.h"

namespace longshort::LONGSHORT_ISA {

inline constexpr size_t outer_depth = 256;
inline constexpr size_t outer_rows = 48;
inline constexpr size_t turned_columns = 256;

template <class T>
inline constexpr size_t outer_columns = 2048 / sizeof(Sum<T>);

// So few columns would waste most of a vector; c is computed transposed instead.
template <class T>
LONGSHORT_INLINE bool is_turned(size_t N) { return 4 * N < 3 * vector_columns<T>; }

// Bytes of scratch memory that one thread needs, aligned to a vector.
template <class T>
LONGSHORT_INLINE size_t scratch_size(size_t K, size_t N) {
  const size_t depth = round_up(smaller(K, outer_depth), pair<T>);
  const size_t rows = round_up(outer_rows, vector_columns<T>);
  const size_t turned = is_turned<T>(N) ? vector_columns<T> * turned_columns : 0;
  const size_t columns =
      turned ? turned_columns : smaller(round_up(N, vector_columns<T>), outer_columns<T>);
  return depth * (rows + columns) * sizeof(T) + turned * sizeof(Sum<T>);
}

// ---- packing: steps of `width` columns, padded with zeros

// Hardware does not foresee steps from row to row.
template <class T>
LONGSHORT_INLINE void expect(const T* row, size_t columns) {
  for (size_t i = 0; i < columns; i += 64 / sizeof(T)) __builtin_prefetch(row + i);
}

template <class T>
LONGSHORT_INLINE void pack_step(const T* __restrict const (&rows)[1], size_t columns, size_t width,
                                T* __restrict out) {
  constexpr size_t L = lanes<T>;
  for (size_t i = 0; i < width; i += L)
    store(out + i, load_part(rows[0] + i, columns > i ? columns - i : 0));
}

LONGSHORT_INLINE void pack_step(const bf16* const (&rows)[2], size_t columns, size_t width,
                                bf16* __restrict out) {
  const bf16* __restrict even = rows[0];
  const bf16* __restrict odd = rows[1];
  for (size_t i = 0; i < columns; ++i) {
    out[2 * i] = even[i];
    out[2 * i + 1] = odd[i];
  }
  for (size_t i = 2 * columns; i < 2 * width; ++i) out[i] = 0;
}

// What stands in for the missing last row of an odd number; the last step may not read
// past a row's end, so it is as long as any block.
inline constexpr size_t longest_block = 64;
static_assert(outer_rows <= longest_block && panel_columns<bf16> <= longest_block);
alignas(64) inline constexpr bf16 no_row[longest_block] = {};

template <class T>
inline void pack_block(size_t K, const T* const* rows, size_t column, size_t columns, size_t width,
                       T* out) {
  for (size_t k = 0; k < K; k += pair<T>, out += width * pair<T>) {
    for (size_t ahead = k + 12; ahead < smaller(K, k + 12 + pair<T>); ++ahead)
      expect(rows[ahead] + column, columns);
    if constexpr (pair<T> == 1)
      pack_step({rows[k] + column}, columns, width, out);
    else
      pack_step({rows[k] + column, k + 1 < K ? rows[k + 1] + column : no_row}, columns, width, out);
  }
}

// ---- the product of packed blocks

template <class S>
struct Matrix {
  S* at;
  ptrdiff_t stride;
};

// a: steps of a_width columns, of which this tile has R; b: a panel of V vectors.
template <class T, size_t R, size_t V>
__attribute__((noinline)) void outer_tile(size_t steps, const T* a, size_t a_width, const T* b,
                                          Matrix<Sum<T>> c, size_t columns) {
  Tile<T, R, V> sum;
  const auto row = [&](size_t r) { return c.at + ptrdiff_t(r) * c.stride; };
  load_tile(sum, row, columns);
  for (size_t s = 0; s < steps; ++s) {
    step<1>(sum, [&](size_t r) { return Operand<T>::row(a + r * pair<T>); }, b, 0);
    a += a_width * pair<T>;
    b += V * vector_columns<T> * pair<T>;
  }
  store_tile(sum, row, columns);
}

template <class T, size_t V, size_t R = Operand<T>::rows>
LONGSHORT_INLINE void outer_tile_of(size_t count, size_t steps, const T* a, size_t a_width,
                                    const T* b, Matrix<Sum<T>> c, size_t columns) {
  if (count == R)
    outer_tile<T, R, V>(steps, a, a_width, b, c, columns);
  else if constexpr (R > 1)
    outer_tile_of<T, V, R - 1>(count, steps, a, a_width, b, c, columns);
}

template <class T, size_t V = panel_vectors>
inline void outer_panel(size_t vectors, size_t steps, const T* a, size_t rows, size_t a_width,
                        const T* b, Matrix<Sum<T>> c, size_t columns) {
  if constexpr (V > 1)
    if (vectors < V)
      return outer_panel<T, V - 1>(vectors, steps, a, rows, a_width, b, c, columns);
  for (size_t first = 0; first < rows;) {
    const size_t count = next_rows(rows - first, Operand<T>::rows);
    const Matrix<Sum<T>> part{c.at + ptrdiff_t(first) * c.stride, c.stride};
    for (size_t r = first + count; r < smaller(rows, first + 2 * count); ++r)
      expect(c.at + ptrdiff_t(r) * c.stride, columns);
    outer_tile_of<T, V>(count, steps, a + first * pair<T>, a_width, b, part, columns);
    first += count;
  }
}

// ---- blocks

// A block of columns of one operand.
template <class T>
struct Side {
  const T* const* rows;
  size_t begin, end;
};

template <class T>
inline void pack_panels(size_t K, Side<T> b, T* out) {
  const size_t deep = round_up(K, pair<T>);
  for (size_t n = b.begin; n < b.end; n += panel_columns<T>) {
    const size_t columns = smaller(b.end - n, panel_columns<T>);
    const size_t width = round_up(columns, vector_columns<T>);
    pack_block(K, b.rows, n, columns, width, out);
    out += deep * width;
  }
}

// c is at the first row of a and the first column of b; b is packed.
template <class T>
inline void outer_block(size_t K, Side<T> a, size_t N, const T* b, Matrix<Sum<T>> c, T* scratch) {
  const size_t deep = round_up(K, pair<T>);
  const size_t width = round_up(outer_rows, vector_columns<T>);
  for (size_t m = a.begin; m < a.end; m += outer_rows) {
    const size_t rows = smaller(a.end - m, outer_rows);
    pack_block(K, a.rows, m, rows, width, scratch);
    for (size_t n = 0; n < N; n += panel_columns<T>) {
      const size_t columns = smaller(N - n, panel_columns<T>);
      const Matrix<Sum<T>> part{c.at + ptrdiff_t(m - a.begin) * c.stride + ptrdiff_t(n), c.stride};
      outer_panel<T>(divide_up(columns, vector_columns<T>), deep / pair<T>, scratch, rows, width,
                     b + n * deep, part, columns);
    }
  }
}

template <class T>
inline void outer(size_t K, Side<T> a, Side<T> b, Matrix<Sum<T>> c, T* scratch) {
  const size_t deep = round_up(smaller(K, outer_depth), pair<T>);
  T* packed = scratch + deep * round_up(outer_rows, vector_columns<T>);
  for (size_t n = b.begin; n < b.end; n += outer_columns<T>) {
    const size_t columns = smaller(b.end - n, outer_columns<T>);
    const Matrix<Sum<T>> part{c.at + ptrdiff_t(n - b.begin), c.stride};
    for (size_t k = 0; k < K; k += outer_depth) {
      const size_t depth = smaller(K - k, outer_depth);
      pack_panels<T>(depth, {b.rows + k, n, n + columns}, packed);
      outer_block<T>(depth, {a.rows + k, a.begin, a.end}, columns, packed, part, scratch);
    }
  }
}

// Through a transposed copy of c.
template <class T>
inline void outer_turned(size_t K, Side<T> a, Side<T> b, Matrix<Sum<T>> c, Sum<T>* turned) {
  T* scratch = reinterpret_cast<T*>(turned + vector_columns<T> * turned_columns);
  const size_t N = b.end - b.begin;
  for (size_t m = a.begin; m < a.end; m += turned_columns) {
    const size_t rows = smaller(a.end - m, turned_columns);
    Sum<T>* at = c.at + ptrdiff_t(m - a.begin) * c.stride;
    for (size_t r = 0; r < rows; ++r)
      for (size_t n = 0; n < N; ++n) turned[n * turned_columns + r] = at[ptrdiff_t(r) * c.stride + ptrdiff_t(n)];
    outer<T>(K, b, {a.rows, m, m + rows}, {turned, ptrdiff_t(turned_columns)}, scratch);
    for (size_t r = 0; r < rows; ++r)
      for (size_t n = 0; n < N; ++n) at[ptrdiff_t(r) * c.stride + ptrdiff_t(n)] = turned[n * turned_columns + r];
  }
}

// For m in [m0, m1) and n in [0, N); c is the whole matrix. The scratch memory has
// scratch_size<T>(K, N) bytes.
template <class T>
inline void accumulate_outer(size_t K, const T* const* a_rows, size_t m0, size_t m1,
                             const T* const* b_rows, size_t N, Sum<T>* c, ptrdiff_t c_stride,
                             void* scratch) {
  const Side<T> a{a_rows, m0, m1};
  const Side<T> b{b_rows, 0, N};
  const Matrix<Sum<T>> part{c + ptrdiff_t(m0) * c_stride, c_stride};
  if (is_turned<T>(N))
    outer_turned<T>(K, a, b, part, static_cast<Sum<T>*>(scratch));
  else
    outer<T>(K, a, b, part, static_cast<T*>(scratch));
}

}  // namespace longshort::LONGSHORT_ISA
