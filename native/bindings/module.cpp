// The Python module: takes a program apart, checks calls, releases the GIL, runs.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <tuple>

#include "checked.h"
#include "dispatch.h"
#include "parallel.h"

namespace nb = nanobind;
using longshort::OwnedProgram;
using longshort::Place;

namespace {

using Numbers = std::vector<std::int64_t>;

Place place(const Numbers& from, std::size_t at) { return {from.at(at), from.at(at + 1)}; }

// Rows of numbers, in the order of the fields in program.h.
OwnedProgram make_program(bool backward, std::int64_t externals,
                          const std::vector<std::tuple<Numbers, double>>& buffers,
                          const std::vector<Numbers>& matrices,
                          const std::vector<std::tuple<std::string, Numbers>>& instructions,
                          const std::vector<std::vector<Numbers>>& stages,
                          const std::vector<Numbers>& matrix_sums,
                          const std::vector<Numbers>& vector_sums,
                          const std::vector<Numbers>& enter, const std::vector<Numbers>& leave) {
  OwnedProgram p;
  p.backward = backward;
  p.externals = externals;
  for (const auto& [n, value] : buffers)
    p.buffers.push_back({longshort::Kind(n.at(0)), n.at(1), n.at(2), n.at(3), n.at(4), n.at(5),
                         n.at(6), value});
  for (const Numbers& n : matrices)
    p.matrices.push_back({n.at(0), n.at(1), n.at(2), n.at(3), n.at(4) != 0});
  for (const auto& [name, n] : instructions) {
    const std::int64_t op = longshort::row_op(name);
    if (op < 0) throw nb::value_error(("no row instruction is called " + name).c_str());
    p.instructions.push_back({op, n.at(0), place(n, 1), {place(n, 3), place(n, 5), place(n, 7)}});
  }
  std::vector<longshort::Stage>* const phases[] = {&p.before, &p.step, &p.after};
  for (std::size_t phase = 0; phase < 3; ++phase)
    for (const Numbers& n : stages.at(phase))
      phases[phase]->push_back({n.at(0) != 0, n.at(1), place(n, 2), place(n, 4), place(n, 6),
                                n.at(8), n.at(9)});
  for (const Numbers& n : matrix_sums)
    p.matrix_sums.push_back({n.at(0), n.at(1), n.at(2), n.at(3), place(n, 4), place(n, 6)});
  for (const Numbers& n : vector_sums) p.vector_sums.push_back({n.at(0), n.at(1), place(n, 2)});
  for (const Numbers& n : enter) p.enter.push_back({n.at(0), n.at(1)});
  for (const Numbers& n : leave) p.leave.push_back({place(n, 0), n.at(2), n.at(3)});
  if (const std::string wrong = longshort::fault(p); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  return p;
}

const longshort::Kernels& kernels(const std::optional<std::string>& isa) {
  const longshort::Isa* found = isa ? longshort::find_isa(*isa) : &longshort::best_isa();
  if (!found) throw nb::value_error(("no kernels that run here for isa=" + *isa).c_str());
  return *found->kernels;
}

// tensors: address, time stride, batch stride and size of each, one after the other.
void run(const OwnedProgram& program, bool is_double, std::int64_t steps, std::int64_t batch,
         const Numbers& tensors, std::int64_t lengths, int threads,
         const std::optional<std::string>& isa) {
  std::vector<longshort::Tensor> externals(tensors.size() / 4);
  for (std::size_t i = 0; i < externals.size(); ++i)
    externals[i] = {reinterpret_cast<void*>(tensors[4 * i]), tensors[4 * i + 1],
                    tensors[4 * i + 2], tensors[4 * i + 3]};
  const longshort::Call call{steps, batch, externals.data(),
                             reinterpret_cast<const std::int64_t*>(lengths), threads};
  if (const std::string wrong = longshort::fault(program, call, externals.size()); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  const longshort::Kernels& k = kernels(isa);
  const longshort::Program view = program.view();
  bool enough;
  {
    nb::gil_scoped_release release;
    enough = is_double ? k.run_double(view, call) : k.run_float(view, call);
  }
  if (!enough) throw std::bad_alloc();
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
  module.def("program", &make_program, "A checked program from rows of numbers.");
  module.def("run", &run, nb::arg("program"), nb::arg("is_double"), nb::arg("steps"),
             nb::arg("batch"), nb::arg("tensors"), nb::arg("lengths"), nb::arg("threads"),
             nb::arg("isa") = nb::none(), "Run a program over time.");
  module.def("share_openmp", &longshort::share_openmp, nb::arg("path"),
             "Take threads from the OpenMP runtime loaded from there; whether that works.");
  module.def("isas", &runnable, "The instruction sets that run here, the best first.");
}
