// The product without packing, for so few rows that packing would cost more than it gains:
// out[r][n] = init[r][n] + sum over k of a[r][k] * w[n][k], or of a[r][k] * w[k][n].
#pragma once

#include "simd.h"

namespace longshort::LONGSHORT_ISA {

template <class T>
struct Plain {
  const T* at;
  ptrdiff_t stride;
};

template <class T, size_t R>
LONGSHORT_INLINE void dot_rows(const T* a, Plain<T> w, size_t K, const T* init, T* out) {
  constexpr size_t L = lanes<T>;
  Vec<T> sum[R];
  for (size_t r = 0; r < R; ++r) sum[r] = zero<T>();
  size_t k = 0;
  for (; k + L <= K; k += L) {
    const Vec<T> x = load(a + k);
    for (size_t r = 0; r < R; ++r) sum[r] = fma(x, load(w.at + ptrdiff_t(r) * w.stride + k), sum[r]);
  }
  if (k < K) {
    const Vec<T> x = load_n(a + k, K - k);
    for (size_t r = 0; r < R; ++r)
      sum[r] = fma(x, load_n(w.at + ptrdiff_t(r) * w.stride + k, K - k), sum[r]);
  }
  for (size_t r = 0; r < R; ++r) out[r] = (init ? init[r] : T(0)) + sum_lanes(sum[r]);
}

// w[n][k]: a dot product for each column of the result.
template <class T>
inline void product_of_rows(const T* a, Plain<T> w, size_t K, size_t N, const T* init, T* out) {
  constexpr size_t R = 8;
  size_t n = 0;
  for (; n + R <= N; n += R)
    dot_rows<T, R>(a, {w.at + ptrdiff_t(n) * w.stride, w.stride}, K, init ? init + n : init, out + n);
  for (; n < N; ++n)
    dot_rows<T, 1>(a, {w.at + ptrdiff_t(n) * w.stride, w.stride}, K, init ? init + n : init, out + n);
}

template <class T, size_t V>
LONGSHORT_INLINE void sum_rows(const T* a, Plain<T> w, size_t K, const T* init, T* out) {
  constexpr size_t L = lanes<T>;
  Vec<T> sum[V];
  for (size_t v = 0; v < V; ++v) sum[v] = init ? load(init + v * L) : zero<T>();
  for (size_t k = 0; k < K; ++k) {
    const Vec<T> x = broadcast(a[k]);
    for (size_t v = 0; v < V; ++v)
      sum[v] = fma(x, load(w.at + ptrdiff_t(k) * w.stride + v * L), sum[v]);
  }
  for (size_t v = 0; v < V; ++v) store(out + v * L, sum[v]);
}

// w[k][n]: rows of w are added up.
template <class T>
inline void product_of_columns(const T* a, Plain<T> w, size_t K, size_t N, const T* init, T* out) {
  constexpr size_t L = lanes<T>;
  constexpr size_t V = 8;
  size_t n = 0;
  for (; n + V * L <= N; n += V * L)
    sum_rows<T, V>(a, {w.at + n, w.stride}, K, init ? init + n : init, out + n);
  for (; n + L <= N; n += L)
    sum_rows<T, 1>(a, {w.at + n, w.stride}, K, init ? init + n : init, out + n);
  for (; n < N; ++n) {
    T sum = init ? init[n] : T(0);
    for (size_t k = 0; k < K; ++k) sum += a[k] * w.at[ptrdiff_t(k) * w.stride + ptrdiff_t(n)];
    out[n] = sum;
  }
}

}  // namespace longshort::LONGSHORT_ISA
