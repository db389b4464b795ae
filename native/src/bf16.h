// The upper half of a float as a storage format.
#pragma once

#include "simd.h"

namespace longshort::LONGSHORT_ISA {

using bf16 = uint16_t;

LONGSHORT_INLINE float widen(bf16 x) { return __builtin_bit_cast(float, uint32_t(x) << 16); }

// To the nearest, halves to the even one; a NaN stays a NaN.
LONGSHORT_INLINE bf16 narrow(float x) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40;
  return bf16((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

inline void widen(const bf16* __restrict x, size_t n, float* __restrict out) {
  for (size_t i = 0; i < n; ++i) out[i] = widen(x[i]);
}

inline void narrow(const float* __restrict x, size_t n, bf16* __restrict out) {
  for (size_t i = 0; i < n; ++i) out[i] = narrow(x[i]);
}

}  // namespace longshort::LONGSHORT_ISA
