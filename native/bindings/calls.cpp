#include "calls.h"

#include <new>

#include "dispatch.h"

namespace nb = nanobind;
using longshort::FormatNumber;
using longshort::OwnedProgram;
using longshort::Tensor;

std::vector<Tensor> tensors_of(const Numbers& numbers) {
  if (numbers.size() % 4 != 0) throw nb::value_error("tensors are given by four numbers each");
  std::vector<Tensor> found(numbers.size() / 4);
  for (std::size_t i = 0; i < found.size(); ++i)
    found[i] = {reinterpret_cast<void*>(numbers[4 * i]), numbers[4 * i + 1], numbers[4 * i + 2],
                numbers[4 * i + 3]};
  return found;
}

FormatNumber format_of(int number) {
  if (number < 0 || number >= longshort::format_count)
    throw nb::value_error(
        "a format is 0 (float), 1 (double), 2 (bfloat16 products), 3 (bfloat16 weights) or 4 (int8 "
        "weights)");
  return FormatNumber(number);
}

const longshort::Kernels& kernels_of(const std::optional<std::string>& isa) {
  const longshort::Isa* found = isa ? longshort::find_isa(*isa) : &longshort::best_isa();
  if (!found) throw nb::value_error(("no kernels that run here for isa=" + *isa).c_str());
  return *found->kernels;
}

longshort::Packed pack(const OwnedProgram& program, int format, const Numbers& matrices,
                       const Numbers& scales, const std::optional<std::string>& isa) {
  const FormatNumber chosen = format_of(format);
  const std::vector<Tensor> from = tensors_of(matrices), by = tensors_of(scales);
  const bool scaled = longshort::has_scales[chosen];
  if (const std::string wrong = longshort::packing_fault(program, scaled, from, by); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  return longshort::Packed(program, kernels_of(isa), chosen, from, by);
}

void run_checked(const OwnedProgram& program, const longshort::Kernels& kernels,
                 FormatNumber format, const longshort::Call& call, std::size_t tensors) {
  if (!call.panels && longshort::has_to_be_packed[format])
    throw nb::value_error(
        "bfloat16 and int8 weights are for inference, and have to be packed before");
  const std::int64_t in_double = format == longshort::double_precision ? 1 : 2;
  if (const std::string wrong = longshort::fault(program, call, tensors, in_double); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  const longshort::Program view = program.view();
  bool enough;
  {
    nb::gil_scoped_release release;
    enough = kernels.formats[format].run(view, call);
  }
  if (!enough) throw std::bad_alloc();
}

void ctc_checked(const longshort::Kernels& kernels, bool is_double,
                 const longshort::CtcCall& call) {
  if (const std::string wrong = longshort::fault(call); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  bool enough;
  {
    nb::gil_scoped_release release;
    enough = (is_double ? kernels.ctc_double : kernels.ctc_single)(call);
  }
  if (!enough) throw std::bad_alloc();
}
