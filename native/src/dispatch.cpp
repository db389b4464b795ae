#include "dispatch.h"

#include <algorithm>

namespace longshort {

#define X(isa)                  \
  namespace isa {               \
  extern const Kernels kernels; \
  }
LONGSHORT_ISAS
#undef X

namespace {

#if defined(__x86_64__)
[[maybe_unused]] bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}
[[maybe_unused]] bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}
[[maybe_unused]] bool has_avx512bf16() {
  return has_avx512() && __builtin_cpu_supports("avx512bf16");
}
#endif
[[maybe_unused]] bool has_neon() { return true; }
bool has_generic() { return true; }

constexpr Isa table[] = {
#define X(isa) {#isa, has_##isa, &isa::kernels},
    LONGSHORT_ISAS
#undef X
};

}  // namespace

std::span<const Isa> isas() { return table; }

const Isa& best_isa() {
  static const Isa& best = *std::ranges::find_if(table, [](const Isa& isa) { return isa.runs_here(); });
  return best;
}

const Isa* find_isa(std::string_view name) {
  for (const Isa& isa : table)
    if (isa.name == name && isa.runs_here()) return &isa;
  return nullptr;
}

}  // namespace longshort
