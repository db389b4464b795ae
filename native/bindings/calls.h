// Calls as Python makes them: numbers become tensors, what does not fit is refused.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "checked.h"
#include "kernels.h"
#include "packed.h"

using Numbers = std::vector<std::int64_t>;

// Address, time stride, batch stride and size of each, one after the other.
std::vector<longshort::Tensor> tensors_of(const Numbers& numbers);

// Raises ValueError for a number that is none of a format.
longshort::FormatNumber format_of(int number);

// The best of this machine, or by name; raises ValueError for one that does not run here.
const longshort::Kernels& kernels_of(const std::optional<std::string>& isa);

// Raises ValueError for matrices that cannot be packed. The program has to live longer.
longshort::Packed pack(const longshort::OwnedProgram& program, int format, const Numbers& matrices,
                       const Numbers& scales, const std::optional<std::string>& isa);

// The same for a call of connectionist temporal classification, in float or in double.
void ctc_checked(const longshort::Kernels& kernels, bool is_double, const longshort::CtcCall& call);

// Raises ValueError for a call that does not fit, runs without the GIL.
void run_checked(const longshort::OwnedProgram& program, const longshort::Kernels& kernels,
                 longshort::FormatNumber format, const longshort::Call& call, std::size_t tensors);
