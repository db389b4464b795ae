// The Python module: reads programs, checks calls, releases the GIL, runs.

#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "calls.h"
#include "dispatch.h"
#include "pages.h"
#include "parallel.h"
#include "records.h"
#include "stream.h"

namespace nb = nanobind;
using longshort::OwnedProgram;
using longshort::Packed;

namespace {

OwnedProgram make_program(nb::handle from) {
  OwnedProgram program = longshort::read_program(from);
  if (const std::string wrong = longshort::fault(program); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  return program;
}

void run(const OwnedProgram& program, int format, std::int64_t steps, std::int64_t batch,
         const Numbers& tensors, std::int64_t lengths, int threads,
         const std::optional<std::string>& isa) {
  const std::vector<longshort::Tensor> externals = tensors_of(tensors);
  const longshort::Call call{steps, batch, externals.data(),
                             reinterpret_cast<const std::int64_t*>(lengths), threads};
  run_checked(program, kernels_of(isa), format_of(format), call, externals.size());
}

void run_packed(const Packed& packed, std::int64_t steps, std::int64_t batch,
                const Numbers& tensors, std::int64_t lengths, int threads) {
  const std::vector<longshort::Tensor> externals = tensors_of(tensors);
  const longshort::Call call{steps,   batch,
                             externals.data(), reinterpret_cast<const std::int64_t*>(lengths),
                             threads, packed.panels()};
  run_checked(packed.program(), packed.kernels(), packed.format(), call, externals.size());
}

void ctc(bool is_double, const Numbers& sizes, std::int64_t scores, std::int64_t labels,
         std::int64_t lengths, std::int64_t counts, std::int64_t losses, std::int64_t gradient,
         std::int64_t blank, int threads, const std::optional<std::string>& isa) {
  if (sizes.size() != 4) throw nb::value_error("sizes are frames, batch, classes and labels");
  const longshort::CtcCall call{sizes[0], sizes[1], sizes[2], sizes[3],
                                reinterpret_cast<const void*>(scores),
                                reinterpret_cast<const std::int64_t*>(labels),
                                reinterpret_cast<const std::int64_t*>(lengths),
                                reinterpret_cast<const std::int64_t*>(counts),
                                blank, reinterpret_cast<double*>(losses),
                                reinterpret_cast<void*>(gradient), threads};
  ctc_checked(kernels_of(isa), is_double, call);
}

std::vector<std::string> runnable() {
  std::vector<std::string> names;
  for (const auto& isa : longshort::isas())
    if (isa.runs_here()) names.emplace_back(isa.name);
  return names;
}

}  // namespace

NB_MODULE(_native, module) {
  // Programs are kept in a cache of the package until the process ends.
  nb::set_leak_warnings(false);
  nb::class_<OwnedProgram>(module, "Program");
  module.def("program", &make_program, nb::arg("program"), "The native form of a program, checked.");
  module.def("record_fields", &longshort::record_fields,
             "The fields that are read of each record, and of the program.");
  module.def(
      "gradient_steps",
      [](std::int64_t batch) {
        return (std::int64_t(longshort::gradient_rows) + batch - 1) / batch;
      },
      nb::arg("batch"), "Steps after which a backward pass adds to the weight gradients.");
  module.def("run", &run, nb::arg("program"), nb::arg("format"), nb::arg("steps"),
             nb::arg("batch"), nb::arg("tensors"), nb::arg("lengths"), nb::arg("threads"),
             nb::arg("isa") = nb::none(), "Run a program over time.");
  nb::class_<Packed>(module, "Packed", "The matrices of a program, packed once for many calls.")
      .def("run", &run_packed, nb::arg("steps"), nb::arg("batch"), nb::arg("tensors"),
           nb::arg("lengths"), nb::arg("threads"), "Run the program over time.")
      .def_prop_ro("bytes", &Packed::bytes);
  module.def("pack", &pack, nb::arg("program"), nb::arg("format"), nb::arg("matrices"),
             nb::arg("scales"), nb::arg("isa") = nb::none(), nb::keep_alive<0, 1>(),
             "Pack the matrices of a program as they are now.");
  nb::class_<Stream>(module, "Stream")
      .def(nb::init<int, std::int64_t>(), nb::arg("format"), nb::arg("batch"))
      .def("add", &Stream::add, nb::arg("program"), nb::arg("sizes"), nb::arg("slots"),
           nb::arg("output_size"), nb::arg("tape_size"), nb::arg("states"), nb::arg("parameters"),
           nb::arg("packed") = nb::none(), nb::arg("fixed") = Numbers(), nb::keep_alive<1, 2>(),
           nb::keep_alive<1, 9>())
      .def("step", &Stream::step, nb::arg("addresses"))
      .def("step_arrays", &Stream::step_arrays, nb::arg("arrays"));
  module.def("ctc", &ctc, nb::arg("is_double"), nb::arg("sizes"), nb::arg("scores"),
             nb::arg("labels"), nb::arg("lengths"), nb::arg("counts"), nb::arg("losses"),
             nb::arg("gradient"), nb::arg("blank"), nb::arg("threads"),
             nb::arg("isa") = nb::none(),
             "Losses of connectionist temporal classification, and their gradient unless it is 0.");
  module.def("share_openmp", &longshort::share_openmp, nb::arg("path"),
             "Take threads from the OpenMP runtime loaded from there; whether that works.");
  module.def(
      "prefer_large_pages",
      [](std::int64_t address, std::int64_t bytes) {
        longshort::prefer_large_pages(reinterpret_cast<void*>(address), std::size_t(bytes));
      },
      nb::arg("address"), nb::arg("bytes"), "For fresh memory that is about to be written.");
  module.def("isas", &runnable, "The instruction sets that run here, the best first.");
}
