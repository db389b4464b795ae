// How a matrix element takes part in a product: what is loaded, what is summed in which
// order, and how many rows of sums fit in the registers: of one full panel, or of two.
//
// A product runs in steps along k. A step is one element of float, double or int8, and a pair
// of neighbours of bf16.
#pragma once

#include "stored.h"

namespace longshort::LONGSHORT_ISA {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr size_t panel_vectors = 4;
inline constexpr size_t most_rows = 6;
#elif defined(__AVX2__)
inline constexpr size_t panel_vectors = 2;
inline constexpr size_t most_rows = 6;
#else
inline constexpr size_t panel_vectors = 2;
inline constexpr size_t most_rows = 4;
#endif

template <class T>
struct Operand {
  using Sum = T;
  using Given = T;
  using Column = Vec<T>;
  using Row = Vec<T>;
  static constexpr size_t pair = 1;
  static constexpr size_t rows = most_rows;
  static constexpr size_t wide_rows = most_rows / 2;

  static LONGSHORT_INLINE Column column(const T* p) { return load(p); }
  // From words in a register.
  static LONGSHORT_INLINE Column column(Vec<T> words) { return words; }
  static LONGSHORT_INLINE Row row(const T* p) { return broadcast(*p); }
  static LONGSHORT_INLINE Row last_row(const T* p) { return row(p); }
  static LONGSHORT_INLINE Vec<T> add(Row a, Column b, Vec<T> sum) { return fma(a, b, sum); }
};

LONGSHORT_INLINE Bits<float> load_pairs(const bf16* p) {
  typedef int32_t Loose __attribute__((vector_size(vector_bytes), aligned(2), may_alias));
  return {*reinterpret_cast<const Loose*>(p)};
}

LONGSHORT_INLINE uint32_t both(const bf16* p) {
  uint32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

// Pairs of bf16 as two vectors of floats, which are added one after the other.
struct Split {
  struct Column {
    Floats even, odd;
  };
  static constexpr size_t pair = 2;
  // The split columns take twice the registers.
  static constexpr size_t rows = most_rows > 4 ? 4 : 3;
  static constexpr size_t wide_rows = 1;

  static LONGSHORT_INLINE Column split(Bits<float> x) {
    return {as_vec(x << 16), as_vec(x & broadcast_bits<float>(int32_t(0xffff0000)))};
  }
  static LONGSHORT_INLINE Floats add(Column a, Column b, Floats sum) {
    return fma(a.odd, b.odd, fma(a.even, b.even, sum));
  }
};

#if defined(__AVX512BF16__)

template <>
struct Operand<bf16> {
  using Sum = float;
  using Given = bf16;
  using Column = Bits<float>;
  using Row = Bits<float>;
  static constexpr size_t pair = 2;
  static constexpr size_t rows = most_rows;
  static constexpr size_t wide_rows = most_rows / 2;

  static LONGSHORT_INLINE Column column(const bf16* p) { return load_pairs(p); }
  static LONGSHORT_INLINE Column column(Floats words) { return as_bits(words); }
  static LONGSHORT_INLINE Row row(const bf16* p) { return broadcast_bits<float>(int32_t(both(p))); }
  static LONGSHORT_INLINE Row last_row(const bf16* p) { return broadcast_bits<float>(*p); }
  static LONGSHORT_INLINE Floats add(Row a, Column b, Floats sum) {
    return {(Lanes<float>::Raw)_mm512_dpbf16_ps(sum.raw, __builtin_bit_cast(__m512bh, a.raw),
                                                __builtin_bit_cast(__m512bh, b.raw))};
  }
};

#else

template <>
struct Operand<bf16> : Split {
  using Sum = float;
  using Given = bf16;
  using Row = Column;

  static LONGSHORT_INLINE Column column(const bf16* p) { return split(load_pairs(p)); }
  static LONGSHORT_INLINE Column column(Floats words) { return split(as_bits(words)); }
  static LONGSHORT_INLINE Row row(const bf16* p) {
    return split(broadcast_bits<float>(int32_t(both(p))));
  }
  static LONGSHORT_INLINE Row last_row(const bf16* p) { return split(broadcast_bits<float>(*p)); }
};

#endif

template <>
struct Operand<StoredBf16> : Split {
  using Sum = float;
  using Given = float;
  using Row = Column;

  static LONGSHORT_INLINE Column column(const StoredBf16* p) { return split(load_pairs(&p->bits)); }
  static LONGSHORT_INLINE Row row(const float* p) { return {broadcast(p[0]), broadcast(p[1])}; }
  static LONGSHORT_INLINE Row last_row(const float* p) { return {broadcast(p[0]), zero<float>()}; }
};

template <>
struct Operand<StoredInt8> {
  using Sum = float;
  using Given = float;
  using Column = Floats;
  using Row = Floats;
  static constexpr size_t pair = 1;
  static constexpr size_t rows = most_rows;
  static constexpr size_t wide_rows = most_rows / 2;

  static LONGSHORT_INLINE Column column(const StoredInt8* p) { return widened(p); }
  static LONGSHORT_INLINE Row row(const float* p) { return broadcast(*p); }
  static LONGSHORT_INLINE Row last_row(const float* p) { return row(p); }
  static LONGSHORT_INLINE Floats add(Row a, Column b, Floats sum) { return fma(a, b, sum); }
};

template <class T>
using Sum = typename Operand<T>::Sum;

// The type of the other operand of a product with weights in T.
template <class T>
using Given = typename Operand<T>::Given;

template <class T>
inline constexpr size_t pair = Operand<T>::pair;

// Columns held by a vector of sums, and by a full panel.
template <class T>
inline constexpr size_t vector_columns = lanes<Sum<T>>;

template <class T>
inline constexpr size_t panel_columns = panel_vectors * vector_columns<T>;

LONGSHORT_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

LONGSHORT_INLINE size_t larger(size_t a, size_t b) { return a > b ? a : b; }

LONGSHORT_INLINE size_t divide_up(size_t n, size_t d) { return (n + d - 1) / d; }

LONGSHORT_INLINE size_t round_up(size_t n, size_t d) { return divide_up(n, d) * d; }

}  // namespace longshort::LONGSHORT_ISA
