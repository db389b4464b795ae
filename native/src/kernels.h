// What every instruction set provides.
#pragma once

#include <cstddef>

#include "ctc_call.h"
#include "program.h"

namespace longshort {

// A way to compute: the types of values and of weights in products.
struct Format {
  // False if there is not enough memory.
  bool (*run)(const Program&, const Call&);
  // Bytes that the panels of a program's matrices take; their memory is aligned to 64.
  std::size_t (*panels_bytes)(const Program&);
  // Writes the panels. scales: those of each tensor's rows, for the formats that have some.
  void (*pack)(const Program&, const Tensor* externals, const float* const* scales, void* panels);
};

// X(name, type of values, type of weights, whether weights have to be packed before a call, whether
// their rows have scales).
#define LONGSHORT_FORMATS(X)                              \
  X(single_precision, float, float, false, false)         \
  X(double_precision, double, double, false, false)       \
  X(bfloat16_products, float, bf16, false, false)         \
  X(bfloat16_weights, float, StoredBf16, true, false)     \
  X(int8_weights, float, StoredInt8, true, true)

#define X(name, ...) name,
enum FormatNumber : int { LONGSHORT_FORMATS(X) format_count };
#undef X
#define X(name, T, P, packed, scaled) packed,
inline constexpr bool has_to_be_packed[] = {LONGSHORT_FORMATS(X)};
#undef X
#define X(name, T, P, packed, scaled) scaled,
inline constexpr bool has_scales[] = {LONGSHORT_FORMATS(X)};
#undef X

struct Kernels {
  std::size_t register_bytes;
  Format formats[format_count];
  // Connectionist temporal classification in float and in double; false if there is not enough memory.
  bool (*ctc_single)(const CtcCall&);
  bool (*ctc_double)(const CtcCall&);
};

}  // namespace longshort
