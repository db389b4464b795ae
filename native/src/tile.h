// The register tile at the heart of every product: R rows by P panels of V vectors.
//
// An element of the result has one accumulator and takes its terms in ascending k, so
// its bits do not depend on the tile it is computed in.
#pragma once

#include "operand.h"

#if defined(__clang__)
#define LONGSHORT_UNROLL _Pragma("unroll")
#else
#define LONGSHORT_UNROLL _Pragma("GCC unroll 16")
#endif

namespace longshort::LONGSHORT_ISA {

template <class T, size_t R, size_t V>
struct Tile {
  Vec<Sum<T>> at[R][V];
};

template <class S>
LONGSHORT_INLINE Vec<S> load_part(const S* p, size_t columns) {
  return columns >= lanes<S> ? load(p) : load_n(p, columns);
}

template <class S>
LONGSHORT_INLINE void store_part(S* p, Vec<S> x, size_t columns) {
  if (columns >= lanes<S>)
    store(p, x);
  else
    store_n(p, x, columns);
}

// row(r) yields where the tile's row r starts; only the last vector may be partial.
template <class T, size_t R, size_t V, class Row>
LONGSHORT_INLINE void load_tile(Tile<T, R, V>& sum, Row row, size_t columns) {
  constexpr size_t L = vector_columns<T>;
  LONGSHORT_UNROLL
  for (size_t r = 0; r < R; ++r) {
    LONGSHORT_UNROLL
    for (size_t v = 0; v + 1 < V; ++v) sum.at[r][v] = load(row(r) + v * L);
    sum.at[r][V - 1] = load_part(row(r) + (V - 1) * L, columns - (V - 1) * L);
  }
}

template <class T, size_t R, size_t V, class Row>
LONGSHORT_INLINE void store_tile(const Tile<T, R, V>& sum, Row row, size_t columns) {
  constexpr size_t L = vector_columns<T>;
  LONGSHORT_UNROLL
  for (size_t r = 0; r < R; ++r) {
    LONGSHORT_UNROLL
    for (size_t v = 0; v + 1 < V; ++v) store(row(r) + v * L, sum.at[r][v]);
    store_part(row(r) + (V - 1) * L, sum.at[r][V - 1], columns - (V - 1) * L);
  }
}

template <class T, size_t R, size_t V>
LONGSHORT_INLINE void clear_tile(Tile<T, R, V>& sum) {
  LONGSHORT_UNROLL
  for (size_t r = 0; r < R; ++r) {
    LONGSHORT_UNROLL
    for (size_t v = 0; v < V; ++v) sum.at[r][v] = zero<Sum<T>>();
  }
}

// One step along k; row(r) yields the broadcast element of row r. Panels lie
// panel_stride elements apart.
template <size_t P, class T, size_t R, size_t W, class Row>
LONGSHORT_INLINE void step(Tile<T, R, W>& sum, Row row, const T* panel, size_t panel_stride) {
  constexpr size_t V = W / P;
  constexpr size_t width = vector_columns<T> * pair<T>;
  typename Operand<T>::Column column[W];
  LONGSHORT_UNROLL
  for (size_t w = 0; w < W; ++w)
    column[w] = Operand<T>::column(panel + (w / V) * panel_stride + (w % V) * width);
  LONGSHORT_UNROLL
  for (size_t r = 0; r < R; ++r) {
    const auto a = row(r);
    LONGSHORT_UNROLL
    for (size_t w = 0; w < W; ++w) sum.at[r][w] = Operand<T>::add(a, column[w], sum.at[r][w]);
  }
}

// The sums times the scales of their columns, plus what they start from.
template <size_t P, class T, size_t R, size_t W>
LONGSHORT_INLINE void scale_tile(Tile<T, R, W>& sum, const T* scales, size_t panel_stride,
                                 const Tile<T, R, W>& start) {
  constexpr size_t V = W / P;
  constexpr size_t bytes = vector_columns<T> * sizeof(Sum<T>);
  LONGSHORT_UNROLL
  for (size_t w = 0; w < W; ++w) {
    const T* at = scales + (w / V) * panel_stride + (w % V) * bytes / sizeof(T);
    const Vec<Sum<T>> scale = load(reinterpret_cast<const Sum<T>*>(at));
    LONGSHORT_UNROLL
    for (size_t r = 0; r < R; ++r) sum.at[r][w] = fma(sum.at[r][w], scale, start.at[r][w]);
  }
}

// Rows are dealt out evenly, because a tile of one row is far slower than one of five.
LONGSHORT_INLINE size_t next_rows(size_t left, size_t most) {
  return divide_up(left, divide_up(left, most));
}

}  // namespace longshort::LONGSHORT_ISA
