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
};

}  // namespace longshort
