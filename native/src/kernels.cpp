// Compiled once per instruction set. Nothing here may call an inline function of the
// standard library: emitted with these flags, it could be the copy that the linker keeps
// for every machine.
#include "kernels.h"

#include "scan.h"

namespace longshort::LONGSHORT_ISA {

extern const Kernels kernels;
const Kernels kernels{vector_bytes, run<float, float>, run<double, double>,
                      run<float, bf16>};

}  // namespace longshort::LONGSHORT_ISA
