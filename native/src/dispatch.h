#pragma once

#include <span>
#include <string_view>

#include "kernels.h"

namespace longshort {

struct Isa {
  std::string_view name;
  bool (*runs_here)();
  const Kernels* kernels;
};

/// Every instruction set that was compiled in, the best first; the last runs everywhere.
std::span<const Isa> isas();

/// The best that this CPU has; looked up once.
const Isa& best_isa();

/// By name; null if it was not compiled in or this CPU lacks it.
const Isa* find_isa(std::string_view name);

}  // namespace longshort
