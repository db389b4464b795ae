// A matrix of weights copied into the order in which products read it: panels of columns,
// in each panel row k after row k, padded with zeros to whole vectors and whole steps.
//
// What one step along k reads of a column is a word: an element, or a pair of bf16. Where columns
// have scales, a panel begins with them, as floats.
#pragma once

#include <utility>

#include "operand.h"

namespace longshort::LONGSHORT_ISA {

// Rows of a panel that are taken by its scales.
template <class T>
inline constexpr size_t scale_rows = is_scaled<T> ? sizeof(float) / sizeof(T) : 0;

template <class T>
LONGSHORT_INLINE size_t packed_rows(size_t K) { return scale_rows<T> + round_up(K, pair<T>); }

// In elements; the memory should be aligned to a vector.
template <class T>
LONGSHORT_INLINE size_t packed_size(size_t K, size_t N) {
  return packed_rows<T>(K) * round_up(N, vector_columns<T>);
}

// Where the panel of column n begins, n being a multiple of panel_columns<T>.
template <class T>
LONGSHORT_INLINE size_t packed_offset(size_t K, size_t n) { return packed_rows<T>(K) * n; }

// ---- squares of words

// Lane j of the result: of the lower or the upper row of two that lie h apart, after the
// blocks of h by h words off the diagonal have changed places.
template <size_t h, bool upper, class T, size_t... j>
LONGSHORT_INLINE Vec<T> exchanged(Vec<T> a, Vec<T> b, std::index_sequence<j...>) {
  constexpr size_t L = lanes<T>;
#if defined(__clang__)
  return {__builtin_shufflevector(a.raw, b.raw,
                                  int(upper ? (j & h ? L + j : j + h) : (j & h ? L + j - h : j))...)};
#else
  using W = typename Lanes<T>::Word;
  constexpr typename Lanes<T>::Bits mask = {
      W(upper ? (j & h ? L + j : j + h) : (j & h ? L + j - h : j))...};
  return {__builtin_shuffle(a.raw, b.raw, mask)};
#endif
}

// Rows become columns.
template <class T, size_t h = 1>
LONGSHORT_INLINE void transpose(Vec<T>* x) {
  constexpr size_t L = lanes<T>;
  constexpr std::make_index_sequence<L> every;
  for (size_t i = 0; i < L; ++i) {
    if (i & h) continue;
    const Vec<T> a = x[i], b = x[i + h];
    x[i] = exchanged<h, false>(a, b, every);
    x[i + h] = exchanged<h, true>(a, b, every);
  }
  if constexpr (2 * h < L) transpose<T, 2 * h>(x);
}

// ---- words

// The next words along k of one column, zeros behind the `left` elements that there are.
template <class T>
LONGSHORT_INLINE Vec<T> words_of(const T* w, size_t left, T) {
  return left < lanes<T> ? load_n(w, left) : load(w);
}

LONGSHORT_INLINE Floats words_of(const float* w, size_t left, bf16) {
  struct Pairs {
    bf16 at[2 * lanes<float>];
  } pairs{};
  narrow(w, smaller(left, 2 * lanes<float>), pairs.at);
  return __builtin_bit_cast(Floats, pairs);
}

// Words of neighbouring columns, of row k and for bf16 of the row after it, if there is one.
template <class T>
LONGSHORT_INLINE Vec<T> words_across(const T* row, const T*, size_t columns, T) {
  return columns < lanes<T> ? load_n(row, columns) : load(row);
}

LONGSHORT_INLINE Floats words_across(const float* row, const float* next, size_t columns, bf16) {
  struct Pairs {
    bf16 at[2 * lanes<float>];
  } pairs{};
  const size_t count = smaller(columns, lanes<float>);
  for (size_t n = 0; n < count; ++n) pairs.at[2 * n] = narrow(row[n]);
  if (next)
    for (size_t n = 0; n < count; ++n) pairs.at[2 * n + 1] = narrow(next[n]);
  return __builtin_bit_cast(Floats, pairs);
}

// ---- panels

// Columns of w, each of which lies dense along k.
template <class T>
inline void pack_columns(const Sum<T>* w, ptrdiff_t stride, size_t K, size_t columns, size_t width,
                         Sum<T>* out) {
  constexpr size_t L = vector_columns<T>;
  for (size_t k = 0; k < K; k += L * pair<T>, out += L * width) {
    const size_t count = smaller(L, divide_up(K - k, pair<T>));
    for (size_t n = 0; n < width; n += L) {
      Vec<Sum<T>> square[L];
      for (size_t i = 0; i < L; ++i)
        square[i] = n + i < columns ? words_of(w + ptrdiff_t(n + i) * stride + k, K - k, T())
                                    : zero<Sum<T>>();
      transpose(square);
      for (size_t i = 0; i < count; ++i) store(out + i * width + n, square[i]);
    }
  }
}

// Rows of w, each of which lies dense along its columns.
template <class T>
inline void pack_rows(const Sum<T>* w, ptrdiff_t stride, size_t K, size_t columns, size_t width,
                      Sum<T>* out) {
  constexpr size_t L = vector_columns<T>;
  for (size_t k = 0; k < K; k += pair<T>, out += width) {
    const Sum<T>* row = w + ptrdiff_t(k) * stride;
    const Sum<T>* next = k + 1 < K ? row + stride : nullptr;
    for (size_t n = 0; n < width; n += L)
      store(out + n, words_across(row + n, next ? next + n : next, columns - n, T()));
  }
}

// Element (k, n) lies at w[n * stride + k], or if `across` at w[k * stride + n].
template <class T>
inline void pack(const Sum<T>* w, ptrdiff_t stride, bool across, size_t K, size_t N, T* out) {
  for (size_t n = 0; n < N; n += panel_columns<T>) {
    const size_t columns = smaller(N - n, panel_columns<T>);
    const size_t width = round_up(columns, vector_columns<T>);
    Sum<T>* words = reinterpret_cast<Sum<T>*>(out);
    if (across)
      pack_rows<T>(w + n, stride, K, columns, width, words);
    else
      pack_columns<T>(w + ptrdiff_t(n) * stride, stride, K, columns, width, words);
    out += packed_rows<T>(K) * width;
  }
}

// ---- weights for inference, of which element (k, n) lies at w[n * stride + k]

// scales: of the columns, where they have some.
inline void pack_stored(const float* w, ptrdiff_t stride, size_t K, size_t N, const float*,
                        StoredBf16* out) {
  pack<bf16>(w, stride, false, K, N, &out->bits);
}

inline void pack_stored(const float* w, ptrdiff_t stride, size_t K, size_t N, const float* scales,
                        StoredInt8* out) {
  constexpr size_t panel = panel_columns<StoredInt8>;
  for (size_t first = 0; first < N; first += panel) {
    const size_t columns = smaller(N - first, panel);
    const size_t width = round_up(columns, vector_columns<StoredInt8>);
    StoredInt8* at = out + packed_offset<StoredInt8>(K, first);
    for (size_t i = 0; i < width; ++i, at += sizeof(float)) {
      const float scale = i < columns ? scales[first + i] : 0;
      __builtin_memcpy(at, &scale, sizeof scale);
    }
    for (size_t k = 0; k < K; ++k)
      for (size_t i = 0; i < width; ++i, ++at)
        *at = i < columns ? whole(w[ptrdiff_t(first + i) * stride + ptrdiff_t(k)], scales[first + i])
                          : StoredInt8{0};
  }
}

}  // namespace longshort::LONGSHORT_ISA
