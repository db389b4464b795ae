// The row instructions: one function each, from rows of n elements to a row.
//
// A target may be one of the sources.
#pragma once

#include "program.h"
#include "vmath.h"

namespace longshort::LONGSHORT_ISA {

template <class T>
using RowFunction = void (*)(T* out, const T* a, const T* b, const T* c, size_t n);

template <class T, class F>
LONGSHORT_INLINE void each(size_t n, T* out, F value) {
  constexpr size_t L = lanes<T>;
  size_t i = 0;
  for (; i + L <= n; i += L) store(out + i, value([i](const T* p) { return load(p + i); }));
  if (i < n)
    store_n(out + i, value([i, n](const T* p) { return load_n(p + i, n - i); }), n - i);
}

// Sum over the row of value(load), where what is loaded past the end counts 0.
template <class T, class F>
LONGSHORT_INLINE T row_sum(size_t n, F value) {
  constexpr size_t L = lanes<T>;
  Vec<T> sum = zero<T>();
  size_t i = 0;
  for (; i + L <= n; i += L) sum = sum + value([i](const T* p) { return load(p + i); });
  T total = sum_lanes(sum);
  if (i < n) {
    const Vec<T> rest = value([i, n](const T* p) { return load_n(p + i, n - i); });
    for (size_t lane = 0; i + lane < n; ++lane) total += rest.raw[lane];
  }
  return total;
}

template <class T>
struct Moments {
  T mean, inverse_deviation;
};

template <class T>
LONGSHORT_INLINE Moments<T> moments(const T* a, T epsilon, size_t n) {
  const T mean = row_sum<T>(n, [&](auto at) { return at(a); }) / T(n);
  const T variance = row_sum<T>(n, [&](auto at) {
    const Vec<T> centred = at(a) - broadcast(mean);
    return centred * centred;
  }) / T(n);
  return {mean, T(1) / sqrt(broadcast(variance + epsilon)).raw[0]};
}

#define LONGSHORT_ROW(name) \
  template <class T>        \
  void name([[maybe_unused]] T* out, [[maybe_unused]] const T* a, [[maybe_unused]] const T* b, \
            [[maybe_unused]] const T* c, size_t n)

#define LONGSHORT_POINTWISE(name, expression)                  \
  LONGSHORT_ROW(name) {                                        \
    [[maybe_unused]] const Vec<T> one = broadcast(T(1));       \
    each<T>(n, out, [&](auto at) -> Vec<T> { return expression; }); \
  }

namespace row {

LONGSHORT_POINTWISE(copy, at(a))
LONGSHORT_POINTWISE(add, at(a) + at(b))
LONGSHORT_POINTWISE(sub, at(a) - at(b))
LONGSHORT_POINTWISE(mul, at(a) * at(b))
LONGSHORT_POINTWISE(div, at(a) / at(b))
LONGSHORT_POINTWISE(neg, -at(a))
LONGSHORT_POINTWISE(muladd, fma(at(a), at(b), at(c)))
LONGSHORT_POINTWISE(sigmoid, LONGSHORT_ISA::sigmoid(at(a)))
LONGSHORT_POINTWISE(sigmoid_gradient, at(a) * at(b) * (one - at(b)))
LONGSHORT_POINTWISE(gated_sigmoid_gradient, at(a) * at(b) * (at(c) * (one - at(c))))
LONGSHORT_POINTWISE(tanh, LONGSHORT_ISA::tanh(at(a)))
LONGSHORT_POINTWISE(tanh_gradient, at(a) * (one - at(b) * at(b)))
LONGSHORT_POINTWISE(gated_tanh_gradient, at(a) * at(b) * (one - at(c) * at(c)))
LONGSHORT_POINTWISE(relu, LONGSHORT_ISA::max(at(a), zero<T>()))
LONGSHORT_POINTWISE(exp, LONGSHORT_ISA::exp(at(a)))
LONGSHORT_POINTWISE(log, LONGSHORT_ISA::log(at(a)))
LONGSHORT_POINTWISE(softplus, LONGSHORT_ISA::softplus(at(a)))
LONGSHORT_POINTWISE(sqrt, LONGSHORT_ISA::sqrt(at(a)))
LONGSHORT_POINTWISE(floor, LONGSHORT_ISA::floor(at(a)))
LONGSHORT_POINTWISE(maximum, LONGSHORT_ISA::max(at(a), at(b)))
LONGSHORT_POINTWISE(minimum, LONGSHORT_ISA::min(at(a), at(b)))
LONGSHORT_POINTWISE(greater_equal, select(less_equal(at(b), at(a)), one, zero<T>()))
LONGSHORT_POINTWISE(where, select(equal(at(a), zero<T>()), at(c), at(b)))

LONGSHORT_ROW(expand) {
  const T value = *a;
  each<T>(n, out, [&](auto) { return broadcast(value); });
}

LONGSHORT_ROW(sum) {
  *out = row_sum<T>(n, [&](auto at) { return at(a); });
}

LONGSHORT_ROW(max) {
  T top = a[0];
  for (size_t i = 1; i < n; ++i) top = a[i] > top || a[i] != a[i] ? a[i] : top;
  *out = top;
}

LONGSHORT_ROW(cumsum) {
  T total = 0;
  for (size_t i = 0; i < n; ++i) out[i] = total += a[i];
}

LONGSHORT_ROW(cumsum_reversed) {
  T total = 0;
  for (size_t i = n; i-- > 0;) out[i] = total += a[i];
}

// b: what is added to the variance.
LONGSHORT_ROW(standardise) {
  const Moments<T> m = moments(a, *b, n);
  each<T>(n, out, [&](auto at) {
    return (at(a) - broadcast(m.mean)) * broadcast(m.inverse_deviation);
  });
}

LONGSHORT_ROW(inverse_deviation) { *out = moments(a, *b, n).inverse_deviation; }

// a: the gradient of the standardised row b; c: the inverse deviation.
LONGSHORT_ROW(standardise_gradient) {
  const Vec<T> mean = broadcast(row_sum<T>(n, [&](auto at) { return at(a); }) / T(n));
  const Vec<T> along =
      broadcast(row_sum<T>(n, [&](auto at) { return at(a) * at(b); }) / T(n));
  const Vec<T> scale = broadcast(*c);
  each<T>(n, out, [&](auto at) { return (at(a) - mean - at(b) * along) * scale; });
}

}  // namespace row

#undef LONGSHORT_ROW
#undef LONGSHORT_POINTWISE

// By the number of the instruction.
template <class T>
inline constexpr RowFunction<T> row_functions[] = {
#define X(name, ...) row::name<T>,
#include "row_table.h"
#undef X
};

}  // namespace longshort::LONGSHORT_ISA
