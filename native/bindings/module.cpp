// The Python module: reads programs, checks calls, releases the GIL, runs.

#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <optional>

#include "checked.h"
#include "dispatch.h"
#include "pages.h"
#include "parallel.h"
#include "records.h"

namespace nb = nanobind;
using longshort::OwnedProgram;

namespace {

using Numbers = std::vector<std::int64_t>;

OwnedProgram make_program(nb::handle from) {
  OwnedProgram program = longshort::read_program(from);
  if (const std::string wrong = longshort::fault(program); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  return program;
}

const longshort::Kernels& kernels(const std::optional<std::string>& isa) {
  const longshort::Isa* found = isa ? longshort::find_isa(*isa) : &longshort::best_isa();
  if (!found) throw nb::value_error(("no kernels that run here for isa=" + *isa).c_str());
  return *found->kernels;
}

// Types of a call's tensors and products: float, double, or float with products in bfloat16.
enum Precision : int { single_precision, double_precision, bfloat16_products };

void run_checked(const OwnedProgram& program, int precision, const longshort::Call& call,
                 std::size_t tensors, const std::optional<std::string>& isa) {
  const std::int64_t in_double = precision == double_precision ? 1 : 2;
  if (const std::string wrong = longshort::fault(program, call, tensors, in_double); !wrong.empty())
    throw nb::value_error(wrong.c_str());
  const longshort::Kernels& k = kernels(isa);
  if (precision < single_precision || precision > bfloat16_products)
    throw nb::value_error("precision is 0 (float), 1 (double) or 2 (bfloat16 products)");
  const auto function = precision == double_precision   ? k.run_double
                        : precision == bfloat16_products ? k.run_bfloat16
                                                         : k.run_float;
  const longshort::Program view = program.view();
  bool enough;
  {
    nb::gil_scoped_release release;
    enough = function(view, call);
  }
  if (!enough) throw std::bad_alloc();
}

// tensors: address, time stride, batch stride and size of each, one after the other.
void run(const OwnedProgram& program, int precision, std::int64_t steps, std::int64_t batch,
         const Numbers& tensors, std::int64_t lengths, int threads,
         const std::optional<std::string>& isa) {
  if (tensors.size() % 4 != 0) throw nb::value_error("tensors are given by four numbers each");
  std::vector<longshort::Tensor> externals(tensors.size() / 4);
  for (std::size_t i = 0; i < externals.size(); ++i)
    externals[i] = {reinterpret_cast<void*>(tensors[4 * i]), tensors[4 * i + 1],
                    tensors[4 * i + 2], tensors[4 * i + 3]};
  const longshort::Call call{steps, batch, externals.data(),
                             reinterpret_cast<const std::int64_t*>(lengths), threads};
  run_checked(program, precision, call, externals.size(), isa);
}

// Places of what a layer is given among its tensors, -1 for what it does not read.
struct StreamLayer {
  const OwnedProgram* program;
  std::vector<longshort::Tensor> tensors;
  std::int64_t x, output, output_bytes, tape, tape_bytes;
  std::vector<std::array<std::int64_t, 3>> states;  // old, new, bytes
  Numbers parameters;
};

// Single steps through a stack of layers.
class Stream {
 public:
  Stream(bool is_double, std::int64_t batch) : is_double_(is_double), batch_(batch) {}

  // sizes: time stride, batch stride and size of each tensor; slots: x, output, tape;
  // states: old place, new place, columns, one after the other.
  void add(const OwnedProgram& program, const Numbers& sizes, const Numbers& slots,
           std::int64_t output_size, std::int64_t tape_size, const Numbers& states,
           const Numbers& parameters) {
    if (sizes.size() % 3 != 0 || slots.size() != 3 || states.size() % 3 != 0)
      throw nb::value_error("a step's tensors, slots and states are given by three numbers each");
    if (!layers_.empty() && states.size() != 3 * layers_[0].states.size())
      throw nb::value_error("all layers of a step have the same states");
    if (batch_ < 0 || output_size < 0 || tape_size < 0)
      throw nb::value_error("a size of the step is negative");
    const std::int64_t bytes = is_double_ ? 8 : 4;
    StreamLayer layer{&program,     {},           slots[0],          slots[1],
                      output_size * batch_ * bytes, slots[2], tape_size * bytes, {}, parameters};
    for (std::size_t i = 0; i < sizes.size(); i += 3)
      layer.tensors.push_back({nullptr, sizes[i], sizes[i + 1], sizes[i + 2]});
    for (std::size_t i = 0; i < states.size(); i += 3)
      layer.states.push_back({states[i], states[i + 1], states[i + 2] * batch_ * bytes});
    for (std::int64_t place : {layer.x, layer.output, layer.tape}) check(layer, place);
    for (const auto& [old, fresh, size] : layer.states) check(layer, old), check(layer, fresh);
    for (std::int64_t place : parameters) check(layer, place);
    layers_.push_back(std::move(layer));
  }

  // addresses: x, the output, each old state [L, B, W], each new one, and every layer's
  // parameters.
  void step(const Numbers& addresses) {
    const std::size_t states = layers_.empty() ? 0 : layers_[0].states.size();
    std::size_t expected = 2 + 2 * states;
    for (const StreamLayer& layer : layers_) expected += layer.parameters.size();
    if (layers_.empty() || addresses.size() != expected)
      throw nb::value_error("a step takes x, output, states and parameters of every layer");
    std::vector<std::int64_t> olds(addresses.begin() + 2, addresses.begin() + 2 + states);
    std::vector<std::int64_t> news(addresses.begin() + 2 + states,
                                   addresses.begin() + 2 + 2 * states);
    std::vector<char> between[2];
    std::int64_t x = addresses[0];
    std::size_t at = 2 + 2 * states;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      StreamLayer& layer = layers_[l];
      std::vector<char>& own = between[l % 2];
      const bool last = l + 1 == layers_.size();
      own.resize(std::size_t(layer.tape_bytes + (last ? 0 : layer.output_bytes)) + 64);
      char* tape = own.data();
      const std::int64_t output =
          last ? addresses[1] : reinterpret_cast<std::int64_t>(tape + layer.tape_bytes);
      std::vector<longshort::Tensor> tensors = layer.tensors;
      put(tensors, layer.x, x);
      put(tensors, layer.output, output);
      put(tensors, layer.tape, reinterpret_cast<std::int64_t>(tape));
      for (std::size_t s = 0; s < states; ++s) {
        const auto& [old, fresh, size] = layer.states[s];
        put(tensors, old, olds[s]);
        put(tensors, fresh, news[s]);
        olds[s] += size;
        news[s] += size;
      }
      for (std::int64_t place : layer.parameters) put(tensors, place, addresses[at++]);
      run_checked(*layer.program, is_double_ ? double_precision : single_precision,
                  {1, batch_, tensors.data(), nullptr, 1}, tensors.size(), std::nullopt);
      x = output;
    }
  }

 private:
  static void check(const StreamLayer& layer, std::int64_t place) {
    if (place < -1 || place >= std::int64_t(layer.tensors.size()))
      throw nb::value_error("a place of the step lies outside of its tensors");
  }

  static void put(std::vector<longshort::Tensor>& tensors, std::int64_t place,
                  std::int64_t address) {
    if (place >= 0) tensors[std::size_t(place)].data = reinterpret_cast<void*>(address);
  }

  bool is_double_;
  std::int64_t batch_;
  std::vector<StreamLayer> layers_;
};

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
  module.def("run", &run, nb::arg("program"), nb::arg("precision"), nb::arg("steps"),
             nb::arg("batch"), nb::arg("tensors"), nb::arg("lengths"), nb::arg("threads"),
             nb::arg("isa") = nb::none(), "Run a program over time.");
  nb::class_<Stream>(module, "Stream")
      .def(nb::init<bool, std::int64_t>(), nb::arg("is_double"), nb::arg("batch"))
      .def("add", &Stream::add, nb::arg("program"), nb::arg("sizes"), nb::arg("slots"),
           nb::arg("output_size"), nb::arg("tape_size"), nb::arg("states"),
           nb::arg("parameters"), nb::keep_alive<1, 2>())
      .def("step", &Stream::step, nb::arg("addresses"));
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
