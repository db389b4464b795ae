// Operands of products in the type that products are computed with.
#pragma once

#include "bf16.h"
#include "operand.h"

namespace longshort::LONGSHORT_ISA {

// Columns [from, to) of `count` rows of T as products with weights in P take them, at the same
// columns: the rows themselves where that is as T. Otherwise `memory` holds count * round_up(to - from, 32) elements and `out` as many
// pointers as there are rows; both are the caller's.
template <class P, class T>
LONGSHORT_INLINE const Given<P>* const* narrowed(const T* const* rows, const Given<P>** out,
                                                 size_t count, size_t from, size_t to,
                                                 Given<P>* memory) {
  if constexpr (sizeof(Given<P>) == sizeof(T)) {
    (void)out, (void)count, (void)from, (void)to, (void)memory;
    return rows;
  } else {
    const size_t width = round_up(to - from, 32);
    for (size_t r = 0; r < count; ++r, memory += width) {
      narrow(rows[r] + from, to - from, memory);
      out[r] = memory - from;
    }
    return out;
  }
}

}  // namespace longshort::LONGSHORT_ISA
