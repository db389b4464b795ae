// What every instruction set provides.
#pragma once

#include <cstddef>

#include "program.h"

namespace longshort {

struct Kernels {
  std::size_t register_bytes;
  // False if there is not enough memory.
  bool (*run_float)(const Program&, const Call&);
  bool (*run_double)(const Program&, const Call&);
  // Everything in float, but products of matrices narrowed to bfloat16.
  bool (*run_bfloat16)(const Program&, const Call&);
};

}  // namespace longshort
