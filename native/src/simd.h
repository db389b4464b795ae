// One vector type per scalar, as wide as the instruction set of this compilation.
//
// The same sources are compiled once per instruction set, each time with another
// LONGSHORT_ISA, and linked together. Everything therefore lives in the namespace of
// its instruction set, and nothing from the standard library that could be emitted
// out of line (and then be shared by the linker between builds) is used.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifndef LONGSHORT_ISA
#error "LONGSHORT_ISA must name the namespace of this build, e.g. -DLONGSHORT_ISA=avx2"
#endif

#define LONGSHORT_INLINE inline __attribute__((always_inline))

namespace longshort::LONGSHORT_ISA {

using std::ptrdiff_t;
using std::size_t;

#if defined(__AVX512F__)
inline constexpr size_t vector_bytes = 64;
#elif defined(__AVX2__)
inline constexpr size_t vector_bytes = 32;
#else
inline constexpr size_t vector_bytes = 16;
#endif

template <class T>
struct Lanes;

template <>
struct Lanes<float> {
  typedef float Raw __attribute__((vector_size(vector_bytes)));
  typedef float Loose __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
  typedef int32_t Bits __attribute__((vector_size(vector_bytes)));
  typedef uint32_t Wrapping __attribute__((vector_size(vector_bytes)));
  using Word = int32_t;
};

template <>
struct Lanes<double> {
  typedef double Raw __attribute__((vector_size(vector_bytes)));
  typedef double Loose __attribute__((vector_size(vector_bytes), aligned(8), may_alias));
  typedef int64_t Bits __attribute__((vector_size(vector_bytes)));
  typedef uint64_t Wrapping __attribute__((vector_size(vector_bytes)));
  using Word = int64_t;
};

template <class T>
inline constexpr size_t lanes = vector_bytes / sizeof(T);

template <class T>
struct Vec {
  typename Lanes<T>::Raw raw;
};

// The lanes as signed integers; a comparison yields all ones or all zeros per lane.
template <class T>
struct Bits {
  typename Lanes<T>::Bits raw;
};

using Floats = Vec<float>;
using Doubles = Vec<double>;

// ---- integers and casts

template <class T>
LONGSHORT_INLINE Bits<T> as_bits(Vec<T> x) {
  return {__builtin_bit_cast(typename Lanes<T>::Bits, x.raw)};
}

template <class T>
LONGSHORT_INLINE Vec<T> as_vec(Bits<T> x) {
  return {__builtin_bit_cast(typename Lanes<T>::Raw, x.raw)};
}

template <class T>
LONGSHORT_INLINE Bits<T> broadcast_bits(typename Lanes<T>::Word x) {
  return {x - typename Lanes<T>::Bits{}};
}

// Modulo 2^bits, as only unsigned integers are.
template <class T>
LONGSHORT_INLINE Bits<T> operator+(Bits<T> a, Bits<T> b) {
  using W = typename Lanes<T>::Wrapping;
  return {(typename Lanes<T>::Bits)((W)a.raw + (W)b.raw)};
}
template <class T>
LONGSHORT_INLINE Bits<T> operator-(Bits<T> a, Bits<T> b) {
  using W = typename Lanes<T>::Wrapping;
  return {(typename Lanes<T>::Bits)((W)a.raw - (W)b.raw)};
}
template <class T>
LONGSHORT_INLINE Bits<T> operator&(Bits<T> a, Bits<T> b) { return {a.raw & b.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> operator|(Bits<T> a, Bits<T> b) { return {a.raw | b.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> operator^(Bits<T> a, Bits<T> b) { return {a.raw ^ b.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> operator~(Bits<T> a) { return {~a.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> operator<<(Bits<T> a, int n) { return {a.raw << n}; }
template <class T>
LONGSHORT_INLINE Bits<T> operator>>(Bits<T> a, int n) { return {a.raw >> n}; }

// ---- arithmetic

template <class T>
LONGSHORT_INLINE Vec<T> broadcast(T x) {
  // Minus a positive zero keeps every value, the negative zero too.
  return {x - typename Lanes<T>::Raw{}};
}

template <class T>
LONGSHORT_INLINE Vec<T> zero() { return {typename Lanes<T>::Raw{}}; }

template <class T>
LONGSHORT_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) { return {a.raw + b.raw}; }
template <class T>
LONGSHORT_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) { return {a.raw - b.raw}; }
template <class T>
LONGSHORT_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) { return {a.raw * b.raw}; }
template <class T>
LONGSHORT_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) { return {a.raw / b.raw}; }
template <class T>
LONGSHORT_INLINE Vec<T> operator-(Vec<T> a) { return {-a.raw}; }

// a * b + c, rounded once where the instruction set can. Spelled out rather than left
// to contraction, so that every kernel rounds alike.
LONGSHORT_INLINE Floats fma(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
  return {(Lanes<float>::Raw)_mm512_fmadd_ps(a.raw, b.raw, c.raw)};
#elif defined(__FMA__)
  return {(Lanes<float>::Raw)_mm256_fmadd_ps(a.raw, b.raw, c.raw)};
#elif defined(__aarch64__)
  return {(Lanes<float>::Raw)vfmaq_f32((float32x4_t)c.raw, (float32x4_t)a.raw, (float32x4_t)b.raw)};
#else
  return {a.raw * b.raw + c.raw};
#endif
}

LONGSHORT_INLINE Doubles fma(Doubles a, Doubles b, Doubles c) {
#if defined(__AVX512F__)
  return {(Lanes<double>::Raw)_mm512_fmadd_pd(a.raw, b.raw, c.raw)};
#elif defined(__FMA__)
  return {(Lanes<double>::Raw)_mm256_fmadd_pd(a.raw, b.raw, c.raw)};
#elif defined(__aarch64__)
  return {(Lanes<double>::Raw)vfmaq_f64((float64x2_t)c.raw, (float64x2_t)a.raw, (float64x2_t)b.raw)};
#else
  return {a.raw * b.raw + c.raw};
#endif
}

// ---- comparison and choice

template <class T>
LONGSHORT_INLINE Bits<T> less(Vec<T> a, Vec<T> b) { return {a.raw < b.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> less_equal(Vec<T> a, Vec<T> b) { return {a.raw <= b.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> equal(Vec<T> a, Vec<T> b) { return {a.raw == b.raw}; }
template <class T>
LONGSHORT_INLINE Bits<T> is_nan(Vec<T> a) { return {a.raw != a.raw}; }

template <class T>
LONGSHORT_INLINE Vec<T> select(Bits<T> mask, Vec<T> yes, Vec<T> no) {
  return {mask.raw ? yes.raw : no.raw};
}

// The bound or x, whichever is smaller (larger); x where x is NaN. This is what one
// instruction does, and all a clamp with constant bounds needs.
#if defined(__AVX512F__)
LONGSHORT_INLINE Floats at_most(Floats bound, Floats x) {
  return {(Lanes<float>::Raw)_mm512_maskz_min_ps(0xFFFF, bound.raw, x.raw)};
}
LONGSHORT_INLINE Doubles at_most(Doubles bound, Doubles x) {
  return {(Lanes<double>::Raw)_mm512_maskz_min_pd(0xFF, bound.raw, x.raw)};
}
LONGSHORT_INLINE Floats at_least(Floats bound, Floats x) {
  return {(Lanes<float>::Raw)_mm512_maskz_max_ps(0xFFFF, bound.raw, x.raw)};
}
LONGSHORT_INLINE Doubles at_least(Doubles bound, Doubles x) {
  return {(Lanes<double>::Raw)_mm512_maskz_max_pd(0xFF, bound.raw, x.raw)};
}
#elif defined(__AVX2__)
LONGSHORT_INLINE Floats at_most(Floats bound, Floats x) {
  return {(Lanes<float>::Raw)_mm256_min_ps(bound.raw, x.raw)};
}
LONGSHORT_INLINE Doubles at_most(Doubles bound, Doubles x) {
  return {(Lanes<double>::Raw)_mm256_min_pd(bound.raw, x.raw)};
}
LONGSHORT_INLINE Floats at_least(Floats bound, Floats x) {
  return {(Lanes<float>::Raw)_mm256_max_ps(bound.raw, x.raw)};
}
LONGSHORT_INLINE Doubles at_least(Doubles bound, Doubles x) {
  return {(Lanes<double>::Raw)_mm256_max_pd(bound.raw, x.raw)};
}
#elif defined(__x86_64__)
LONGSHORT_INLINE Floats at_most(Floats bound, Floats x) {
  return {(Lanes<float>::Raw)_mm_min_ps(bound.raw, x.raw)};
}
LONGSHORT_INLINE Doubles at_most(Doubles bound, Doubles x) {
  return {(Lanes<double>::Raw)_mm_min_pd(bound.raw, x.raw)};
}
LONGSHORT_INLINE Floats at_least(Floats bound, Floats x) {
  return {(Lanes<float>::Raw)_mm_max_ps(bound.raw, x.raw)};
}
LONGSHORT_INLINE Doubles at_least(Doubles bound, Doubles x) {
  return {(Lanes<double>::Raw)_mm_max_pd(bound.raw, x.raw)};
}
#else
template <class T>
LONGSHORT_INLINE Vec<T> at_most(Vec<T> bound, Vec<T> x) {
  return {bound.raw < x.raw ? bound.raw : x.raw};
}
template <class T>
LONGSHORT_INLINE Vec<T> at_least(Vec<T> bound, Vec<T> x) {
  return {bound.raw > x.raw ? bound.raw : x.raw};
}
#endif

// NaN if either is NaN.
template <class T>
LONGSHORT_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, at_most(a, b));
}
template <class T>
LONGSHORT_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, at_least(a, b));
}

// ---- across the lanes

template <class T>
LONGSHORT_INLINE T sum_lanes(Vec<T> x) {
  typedef T Part __attribute__((vector_size(16)));
  constexpr size_t parts = vector_bytes / sizeof(Part);
  Part part[parts];
  __builtin_memcpy(part, &x, sizeof x);
  for (size_t i = 1; i < parts; ++i) part[0] += part[i];
  T sum = 0;
  for (size_t i = 0; i < sizeof(Part) / sizeof(T); ++i) sum += part[0][i];
  return sum;
}

// ---- signs

template <class T>
LONGSHORT_INLINE Bits<T> sign_bit(Vec<T> x) {
  return as_bits(x) & as_bits(broadcast(T(-0.0)));
}

template <class T>
LONGSHORT_INLINE Vec<T> abs(Vec<T> x) {
  return as_vec(as_bits(x) & ~as_bits(broadcast(T(-0.0))));
}

template <class T>
LONGSHORT_INLINE Vec<T> with_sign(Vec<T> positive, Bits<T> sign) {
  return as_vec(as_bits(positive) | sign);
}

// ---- rounding and roots

template <class T>
LONGSHORT_INLINE Vec<T> round_by_adding(Vec<T> x) {
  const T whole = sizeof(T) == 4 ? T(8388608) : T(4503599627370496);
  const Vec<T> big = broadcast(whole);
  const Vec<T> size = abs(x);
  const Vec<T> rounded = with_sign((size + big) - big, sign_bit(x));
  return select(less(size, big), rounded, x);
}

// To the nearest integer, halves to the even one.
LONGSHORT_INLINE Floats round(Floats x) {
#if defined(__AVX512F__)
  return {(Lanes<float>::Raw)_mm512_maskz_roundscale_ps(0xFFFF, x.raw, 8)};
#elif defined(__AVX2__)
  return {(Lanes<float>::Raw)_mm256_round_ps(x.raw, 8)};
#else
  return round_by_adding(x);
#endif
}

LONGSHORT_INLINE Doubles round(Doubles x) {
#if defined(__AVX512F__)
  return {(Lanes<double>::Raw)_mm512_maskz_roundscale_pd(0xFF, x.raw, 8)};
#elif defined(__AVX2__)
  return {(Lanes<double>::Raw)_mm256_round_pd(x.raw, 8)};
#else
  return round_by_adding(x);
#endif
}

template <class T>
LONGSHORT_INLINE Vec<T> floor(Vec<T> x) {
  const Vec<T> near = round(x);
  const Vec<T> lower = select(less(x, near), near - broadcast(T(1)), near);
  return with_sign(lower, sign_bit(x));
}

LONGSHORT_INLINE Floats sqrt(Floats x) {
#if defined(__AVX512F__)
  return {(Lanes<float>::Raw)_mm512_maskz_sqrt_ps(0xFFFF, x.raw)};
#elif defined(__AVX2__)
  return {(Lanes<float>::Raw)_mm256_sqrt_ps(x.raw)};
#else
  Floats y = x;
  for (size_t i = 0; i < lanes<float>; ++i) y.raw[i] = __builtin_sqrtf(x.raw[i]);
  return y;
#endif
}

LONGSHORT_INLINE Doubles sqrt(Doubles x) {
#if defined(__AVX512F__)
  return {(Lanes<double>::Raw)_mm512_maskz_sqrt_pd(0xFF, x.raw)};
#elif defined(__AVX2__)
  return {(Lanes<double>::Raw)_mm256_sqrt_pd(x.raw)};
#else
  Doubles y = x;
  for (size_t i = 0; i < lanes<double>; ++i) y.raw[i] = __builtin_sqrt(x.raw[i]);
  return y;
#endif
}

// ---- memory
//
// A copy of bytes would say the same, but compilers tuned for no processor in particular
// copy 32 bytes as two halves by way of the stack.

template <class T>
LONGSHORT_INLINE Vec<T> load(const T* p) {
  return {*reinterpret_cast<const typename Lanes<T>::Loose*>(p)};
}

template <class T>
LONGSHORT_INLINE void store(T* p, Vec<T> x) {
  *reinterpret_cast<typename Lanes<T>::Loose*>(p) = x.raw;
}

#if defined(__AVX512F__)

LONGSHORT_INLINE __mmask16 first_lanes(size_t n) { return __mmask16((1u << n) - 1); }

LONGSHORT_INLINE Floats load_n(const float* p, size_t n) {
  return {(Lanes<float>::Raw)_mm512_maskz_loadu_ps(first_lanes(n), p)};
}
LONGSHORT_INLINE Doubles load_n(const double* p, size_t n) {
  return {(Lanes<double>::Raw)_mm512_maskz_loadu_pd(__mmask8(first_lanes(n)), p)};
}
LONGSHORT_INLINE void store_n(float* p, Floats x, size_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), x.raw);
}
LONGSHORT_INLINE void store_n(double* p, Doubles x, size_t n) {
  _mm512_mask_storeu_pd(p, __mmask8(first_lanes(n)), x.raw);
}

#elif defined(__AVX2__)

LONGSHORT_INLINE __m256i first_words(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
LONGSHORT_INLINE __m256i first_pairs(size_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
}

LONGSHORT_INLINE Floats load_n(const float* p, size_t n) {
  return {(Lanes<float>::Raw)_mm256_maskload_ps(p, first_words(n))};
}
LONGSHORT_INLINE Doubles load_n(const double* p, size_t n) {
  return {(Lanes<double>::Raw)_mm256_maskload_pd(p, first_pairs(n))};
}
LONGSHORT_INLINE void store_n(float* p, Floats x, size_t n) {
  _mm256_maskstore_ps(p, first_words(n), x.raw);
}
LONGSHORT_INLINE void store_n(double* p, Doubles x, size_t n) {
  _mm256_maskstore_pd(p, first_pairs(n), x.raw);
}

#else

template <class T>
LONGSHORT_INLINE Vec<T> load_n(const T* p, size_t n) {
  Vec<T> x = zero<T>();
  for (size_t i = 0; i < lanes<T>; ++i)
    if (i < n) x.raw[i] = p[i];
  return x;
}

template <class T>
LONGSHORT_INLINE void store_n(T* p, Vec<T> x, size_t n) {
  for (size_t i = 0; i < lanes<T>; ++i)
    if (i < n) p[i] = x.raw[i];
}

#endif

}  // namespace longshort::LONGSHORT_ISA
