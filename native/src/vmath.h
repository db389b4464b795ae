// Elementary functions on vectors: exp, log, log1p, tanh, sigmoid, softplus.
//
// Polynomials are minimax fits on the reduced range; their errors stand with them and
// stay well below the rounding of the operations around them.
#pragma once

#include "simd.h"

namespace longshort::LONGSHORT_ISA {

template <class T>
struct Mathematics;

template <>
struct Mathematics<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr int32_t root_half_bits = 0x3f3504f3;
  static constexpr float whole = 12582912.0f;  // 1.5 * 2^23
  static constexpr float whole_biased = 12582912.0f + 127.0f;
  static constexpr float log2e = 1.44269504088896341f;
  // The high part is short, so that its product with an exponent is exact.
  static constexpr float ln2_high = 0.693145751953125f;
  static constexpr float ln2_low = 1.4286068203094172e-6f;
  static constexpr float exp_lowest = -105.0f, exp_highest = 90.0f;
  static constexpr float sigmoid_lowest = -40.0f, sigmoid_highest = 89.0f;
  static constexpr float tanh_highest = 20.0f;
  static constexpr float smallest_normal = 1.17549435e-38f;
  static constexpr float lift = 16777216.0f, lift_exponent = 24.0f;
  // (e^r - 1 - r) / r^2 for |r| <= ln(2)/2; error of e^r 3.2e-9.
  static constexpr float exp_tail[] = {0.50000000962545265f, 0.16666517711127824f,
                                       0.041666202321905873f, 0.0083690248921691889f,
                                       0.0013950724378129596f};
  // (2 atanh(s) - 2 s) / s^3 in s^2 for 1+f in [sqrt(1/2), sqrt(2)]; relative error 8e-10.
  static constexpr float log_tail[] = {0.6666677443132739f, 0.39977718212152555f,
                                       0.29868022008024613f};
};

template <>
struct Mathematics<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr int64_t root_half_bits = 0x3fe6a09e667f3bcd;
  static constexpr double whole = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double whole_biased = 6755399441055744.0 + 1023.0;
  static constexpr double log2e = 1.44269504088896340736;
  static constexpr double ln2_high = 0.693147180601954460144043;
  static constexpr double ln2_low = -4.2009150726810847292e-11;
  static constexpr double exp_lowest = -746.0, exp_highest = 711.0;
  static constexpr double sigmoid_lowest = -80.0, sigmoid_highest = 710.0;
  static constexpr double tanh_highest = 44.0;
  static constexpr double smallest_normal = 2.2250738585072014e-308;
  static constexpr double lift = 18014398509481984.0, lift_exponent = 54.0;
  // As above; error of e^r 3.5e-18.
  static constexpr double exp_tail[] = {
      0.50000000000000129857,    0.16666666666666699654,    0.041666666666513102886,
      0.0083333333333068330382,  0.0013888888947682095159,  0.00019841269918185367419,
      0.000024801489199638542565, 2.7557215584111404717e-6, 2.7631561971622774408e-7,
      2.5118088843638113502e-8};
  // As above; relative error 1.3e-18.
  static constexpr double log_tail[] = {
      0.6666666666666726592,  0.39999999999455288718, 0.28571428734844540867,
      0.22222199243112046499, 0.18183533512223533451, 0.15314758885262129897,
      0.14789513124828643137};
};

// Horner's scheme; a recursion, since a loop may not be unrolled before it is inlined.
template <size_t I = 0, class T, size_t N>
LONGSHORT_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {
  if constexpr (I + 1 == N)
    return broadcast(c[I]);
  else
    return fma(polynomial<I + 1>(x, c), x, broadcast(c[I]));
}

// ---- exponentials

// x = exponent * ln2 + rest, and scale = 2^exponent where that is a normal number.
template <class T>
struct Reduced {
  Vec<T> exponent, rest, scale;
};

template <class T>
LONGSHORT_INLINE Reduced<T> reduce(Vec<T> x) {
  using M = Mathematics<T>;
  const Vec<T> whole = broadcast(M::whole_biased);
  // Adding the large number rounds, and leaves the biased exponent in the low bits.
  const Vec<T> shifted = fma(x, broadcast(M::log2e), whole);
  const Vec<T> n = shifted - whole;
  const Vec<T> high = fma(n, broadcast(-M::ln2_high), x);
  return {n, fma(n, broadcast(-M::ln2_low), high), as_vec(as_bits(shifted) << M::mantissa_bits)};
}

// e^rest
template <class T>
LONGSHORT_INLINE Vec<T> exp_rest(Vec<T> r) {
  const Vec<T> one = broadcast(T(1));
  return fma(fma(polynomial(r, Mathematics<T>::exp_tail), r, one), r, one);
}

// e^rest - 1
template <class T>
LONGSHORT_INLINE Vec<T> expm1_rest(Vec<T> r) {
  return fma(r * r, polynomial(r, Mathematics<T>::exp_tail), r);
}

#if defined(__AVX512F__)
LONGSHORT_INLINE Floats times_power(Floats x, Floats n) {
  return {(Lanes<float>::Raw)_mm512_maskz_scalef_ps(0xFFFF, x.raw, n.raw)};
}
LONGSHORT_INLINE Doubles times_power(Doubles x, Doubles n) {
  return {(Lanes<double>::Raw)_mm512_maskz_scalef_pd(0xFF, x.raw, n.raw)};
}
#else
// In two steps, because 2^n itself may lie outside of the normal numbers.
template <class T>
LONGSHORT_INLINE Vec<T> times_power(Vec<T> x, Vec<T> n) {
  using M = Mathematics<T>;
  const Vec<T> whole = broadcast(M::whole_biased);
  const Vec<T> half = fma(n, broadcast(T(0.5)), whole);
  const Vec<T> other = (n - (half - whole)) + whole;
  const Vec<T> first = as_vec(as_bits(half) << M::mantissa_bits);
  return x * first * as_vec(as_bits(other) << M::mantissa_bits);
}
#endif

template <class T>
LONGSHORT_INLINE Vec<T> exp(Vec<T> x) {
  using M = Mathematics<T>;
  x = at_most(broadcast(M::exp_highest), at_least(broadcast(M::exp_lowest), x));
  const Reduced<T> y = reduce(x);
  return times_power(exp_rest(y.rest), y.exponent);
}

// 1 / (1 + e^-x)
template <class T>
LONGSHORT_INLINE Vec<T> sigmoid(Vec<T> x) {
  using M = Mathematics<T>;
  const Vec<T> one = broadcast(T(1));
  // Within these bounds the scale is a normal number or, at the upper end, infinite.
  x = at_most(broadcast(M::sigmoid_highest), at_least(broadcast(M::sigmoid_lowest), -x));
  const Reduced<T> y = reduce(x);
  return one / fma(exp_rest(y.rest), y.scale, one);
}

// With u = e^2|x| - 1 it is u / (u + 2), which keeps small x exact.
template <class T>
LONGSHORT_INLINE Vec<T> tanh(Vec<T> x) {
  using M = Mathematics<T>;
  const Vec<T> size = at_most(broadcast(M::tanh_highest), abs(x) + abs(x));
  const Reduced<T> y = reduce(size);
  const Vec<T> u = fma(expm1_rest(y.rest), y.scale, y.scale - broadcast(T(1)));
  return with_sign(u / (u + broadcast(T(2))), sign_bit(x));
}

// ---- logarithms

// log(x) + low for positive normal x.
template <class T>
LONGSHORT_INLINE Vec<T> log_normal(Vec<T> x, Vec<T> low) {
  using M = Mathematics<T>;
  const Bits<T> above = as_bits(x) - broadcast_bits<T>(M::root_half_bits);
  const Bits<T> e = above >> M::mantissa_bits;
  const Vec<T> f = as_vec(as_bits(x) - (e << M::mantissa_bits)) - broadcast(T(1));
  const Vec<T> whole = broadcast(M::whole);
  const Vec<T> exponent = as_vec(e + as_bits(whole)) - whole;
  // log(1+f) = 2 atanh(s), arranged around the exact f.
  const Vec<T> s = f / (f + broadcast(T(2)));
  const Vec<T> square = s * s;
  const Vec<T> half = f * f * broadcast(T(0.5));
  const Vec<T> bent = fma(square, polynomial(square, M::log_tail), half);
  low = fma(exponent, broadcast(M::ln2_low), low);
  const Vec<T> near = f - (half - fma(s, bent, low));
  return fma(exponent, broadcast(M::ln2_high), near);
}

template <class T>
LONGSHORT_INLINE Vec<T> log(Vec<T> x) {
  using M = Mathematics<T>;
  const Vec<T> none = zero<T>();
  const Vec<T> infinite = broadcast(T(__builtin_inf()));
  const Bits<T> tiny = less(x, broadcast(M::smallest_normal));
  const Vec<T> lifted = select(tiny, x * broadcast(M::lift), x);
  const Vec<T> offset = select(tiny, broadcast(M::lift_exponent), none);
  Vec<T> y = log_normal(lifted, none);
  y = fma(offset, broadcast(-M::ln2_low), fma(offset, broadcast(-M::ln2_high), y));
  y = select(less(x, infinite), y, x);
  y = select(equal(x, none), -infinite, y);
  return select(less(x, none), broadcast(T(__builtin_nan(""))), y);
}

template <class T>
LONGSHORT_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> one = broadcast(T(1));
  const Vec<T> infinite = broadcast(T(__builtin_inf()));
  const Vec<T> u = one + x;
  // What the rounding of 1 + x lost: of x where that is smaller than 1, else of the 1.
  const Vec<T> lost = select(less(x, one), x - (u - one), one - (u - x));
  Vec<T> y = log_normal(u, lost / u);
  y = select(less(x, infinite), y, x);
  y = select(equal(x, -one), -infinite, y);
  y = select(less(x, -one), broadcast(T(__builtin_nan(""))), y);
  return select(equal(x, zero<T>()), x, y);
}

// log(1 + e^x)
template <class T>
LONGSHORT_INLINE Vec<T> softplus(Vec<T> x) {
  const Vec<T> one = broadcast(T(1));
  const Vec<T> t = exp(-abs(x));
  const Vec<T> u = one + t;
  // The lost part is so small that a line through 1/u at 1 and 2 serves as well.
  const Vec<T> inverse = fma(u, broadcast(T(-0.5)), broadcast(T(1.5)));
  return at_least(zero<T>(), x) + log_normal(u, (t - (u - one)) * inverse);
}

}  // namespace longshort::LONGSHORT_ISA
