// Compiled once per instruction set. Nothing here may call an inline function of the
// standard library: emitted with these flags, it could be the copy that the linker keeps
// for every machine.
#include "kernels.h"

#include "ctc.h"
#include "scan.h"

namespace longshort::LONGSHORT_ISA {

extern const Kernels kernels;
#define X(name, T, P, ...) format<T, P>,
const Kernels kernels{vector_bytes, {LONGSHORT_FORMATS(X)}, ctc<float>, ctc<double>};
#undef X

}  // namespace longshort::LONGSHORT_ISA
