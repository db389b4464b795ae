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

LONGSHORT_INLINE Floats widened(const StoredInt8* p) {
  typedef int8_t Bytes __attribute__((vector_size(lanes<float>), aligned(1), may_alias));
  using Words = Lanes<float>::Bits;
  const Words words = __builtin_convertvector(*reinterpret_cast<const Bytes*>(p), Words);
  return {__builtin_convertvector(words, Lanes<float>::Raw)};
}

}  // namespace longshort::LONGSHORT_ISA
