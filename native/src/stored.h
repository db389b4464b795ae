// Weights that are smaller in memory than in a product, for inference alone.
//
// They are widened in registers to float, which is what they are multiplied with and summed in.
// Both lie in panels, as pack.h describes, which are made once for many calls.
#pragma once

#include "bf16.h"

namespace longshort::LONGSHORT_ISA {

// The upper half of a float.
struct StoredBf16 {
  bf16 bits;
};

// A whole number from -127 to 127, to be multiplied by the scale of its column.
struct StoredInt8 {
  int8_t value;
};

template <class T>
inline constexpr bool is_stored = false;
template <>
inline constexpr bool is_stored<StoredBf16> = true;
template <>
inline constexpr bool is_stored<StoredInt8> = true;

// Whether columns have a scale, by which their finished sums are multiplied.
template <class T>
inline constexpr bool is_scaled = false;
template <>
inline constexpr bool is_scaled<StoredInt8> = true;

// The nearest multiple of a scale; halves to the even one.
LONGSHORT_INLINE StoredInt8 whole(float x, float scale) {
  const float found = scale > 0 ? __builtin_rintf(x / scale) : 0;
  return {int8_t(!(found > -127) ? -127 : found > 127 ? 127 : found)};
}

// Spelled out, since compilers do it number by number.
LONGSHORT_INLINE Floats widened(const StoredInt8* p) {
#if defined(__AVX512F__)
  const __m512i words =
      _mm512_maskz_cvtepi8_epi32(0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return {(Lanes<float>::Raw)_mm512_maskz_cvtepi32_ps(0xFFFF, words)};
#elif defined(__AVX2__)
  const __m256i words = _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  return {(Lanes<float>::Raw)_mm256_cvtepi32_ps(words)};
#else
  int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
#if defined(__x86_64__)
  const __m128i bytes = _mm_cvtsi32_si128(four), pairs = _mm_unpacklo_epi8(bytes, bytes);
  const __m128i words = _mm_srai_epi32(_mm_unpacklo_epi16(pairs, pairs), 24);
  return {(Lanes<float>::Raw)_mm_cvtepi32_ps(words)};
#else
  Lanes<float>::Bits words;
  for (size_t i = 0; i < lanes<float>; ++i) words[i] = int8_t(uint32_t(four) >> (8 * i));
  return {__builtin_convertvector(words, Lanes<float>::Raw)};
#endif
#endif
}

}  // namespace longshort::LONGSHORT_ISA
