// The product without packing, for so few rows that packing would cost more than it gains. Sums are
// added up in the same order as with packing, so they are the same bits.
#pragma once

#include "pack.h"
#include "tile.h"

namespace longshort::LONGSHORT_ISA {

// Element (k, n) lies at at[n * stride + k], or if `across` at at[k * stride + n].
template <class T>
struct Plain {
  const Sum<T>* at;
  ptrdiff_t stride;
  bool across;
};

// The next words along k of a vector of columns: what pack.h would write there. `whole`: no row and
// no column is missing.
template <bool whole, class T>
LONGSHORT_INLINE void words_at(Plain<T> w, size_t k, size_t K, size_t columns, Vec<Sum<T>>* words) {
  constexpr size_t L = vector_columns<T>;
  if (whole) K = k + L * pair<T>, columns = L;
  LONGSHORT_UNROLL
  for (size_t i = 0; i < L; ++i) {
    words[i] = zero<Sum<T>>();
    if (w.across) {
      const size_t row = k + i * pair<T>;
      const Sum<T>* at = w.at + ptrdiff_t(row) * w.stride;
      if (row < K) words[i] = words_across(at, row + 1 < K ? at + w.stride : nullptr, columns, T());
    } else if (i < columns) {
      words[i] = words_of(w.at + ptrdiff_t(i) * w.stride + k, K - k, T());
    }
  }
  if (!w.across) transpose(words);
}

// R rows, one vector of columns.
template <class T, size_t R>
__attribute__((noinline)) void direct_columns(const Given<T>* const* a, Plain<T> w, size_t K,
                                              size_t columns, const Sum<T>* const* init,
                                              Sum<T>* const* out, size_t n) {
  constexpr size_t L = vector_columns<T>, deep = L * pair<T>;
  Tile<T, R, 1> sum;
  if (init)
    load_tile(sum, [&](size_t r) { return init[r] + n; }, columns);
  else
    clear_tile(sum);
  const auto add = [&](Vec<Sum<T>> words, auto row) {
    const auto column = Operand<T>::column(words);
    LONGSHORT_UNROLL
    for (size_t r = 0; r < R; ++r) sum.at[r][0] = Operand<T>::add(row(r), column, sum.at[r][0]);
  };
  size_t k = 0;
  if (columns >= L)
    for (; k + deep <= K; k += deep) {
      Vec<Sum<T>> words[L];
      words_at<true>(w, k, K, columns, words);
      LONGSHORT_UNROLL
      for (size_t i = 0; i < L; ++i)
        add(words[i], [&](size_t r) { return Operand<T>::row(a[r] + k + i * pair<T>); });
    }
  for (; k < K; k += deep) {
    Vec<Sum<T>> words[L];
    words_at<false>(w, k, K, columns, words);
    for (size_t i = 0; i < L && k + i * pair<T> < K; ++i) {
      const size_t at = k + i * pair<T>;
      if (at + pair<T> <= K)
        add(words[i], [&](size_t r) { return Operand<T>::row(a[r] + at); });
      else
        add(words[i], [&](size_t r) { return Operand<T>::last_row(a[r] + at); });
    }
  }
  store_tile(sum, [&](size_t r) { return out[r] + n; }, columns);
}

template <class T, size_t R = Operand<T>::rows>
LONGSHORT_INLINE void direct_rows(size_t count, const Given<T>* const* a, Plain<T> w, size_t K,
                                  size_t N, const Sum<T>* const* init, Sum<T>* const* out,
                                  size_t n) {
  if (count < R) {
    if constexpr (R > 1) direct_rows<T, R - 1>(count, a, w, K, N, init, out, n);
    return;
  }
  constexpr size_t L = vector_columns<T>;
  for (; n < N; n += L) {
    const Sum<T>* at = w.at + ptrdiff_t(n) * (w.across ? 1 : w.stride);
    direct_columns<T, R>(a, {at, w.stride, w.across}, K, smaller(N - n, L), init, out, n);
  }
}

// Columns [n, N) of out[r][n] = init[r][n] + sum over k of a[r][k] * w[k][n]; init may be null.
template <class T>
inline void direct_product(size_t m, const Given<T>* const* a, const Sum<T>* const* init,
                           Sum<T>* const* out, Plain<T> w, size_t K, size_t n, size_t N) {
  for (size_t first = 0; first < m;) {
    const size_t count = next_rows(m - first, Operand<T>::rows);
    direct_rows<T>(count, a + first, w, K, N, init ? init + first : nullptr, out + first, n);
    first += count;
  }
}

}  // namespace longshort::LONGSHORT_ISA
