#include "stream.h"

#include <algorithm>
#include <deque>
#include <memory>

namespace nb = nanobind;
using longshort::Tensor;

namespace {

void put(std::vector<Tensor>& tensors, std::int64_t place, std::int64_t address) {
  if (place >= 0) tensors[std::size_t(place)].data = reinterpret_cast<void*>(address);
}

// Memory of an array, which may not be freed or moved as long as this lives.
class Held {
 public:
  Held(nb::handle array, bool written) {
    const int wanted = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (written ? PyBUF_WRITABLE : 0);
    held_ = PyObject_GetBuffer(array.ptr(), &buffer_, wanted) == 0;
    if (!held_) PyErr_Clear();
  }
  ~Held() {
    if (held_) PyBuffer_Release(&buffer_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  // Whether it has values of a type, and `size` of them in a shape that begins like this.
  bool fits(char type, std::int64_t size, std::initializer_list<std::int64_t> shape) const {
    if (!held_ || !buffer_.format || buffer_.format[0] != type || buffer_.format[1]) return false;
    if (buffer_.ndim != int(shape.size()) + 1 || buffer_.len != size * buffer_.itemsize) return false;
    return std::equal(shape.begin(), shape.end(), buffer_.shape);
  }

  std::int64_t address() const { return reinterpret_cast<std::int64_t>(buffer_.buf); }

 private:
  Py_buffer buffer_;
  bool held_;
};

}  // namespace

Stream::Stream(int format, std::int64_t batch) : format_(format_of(format)), batch_(batch) {}

void Stream::Layer::check(std::int64_t place) const {
  if (place < -1 || place >= std::int64_t(tensors.size()))
    throw nb::value_error("a place of the step lies outside of its tensors");
}

void Stream::add(const longshort::OwnedProgram& program, const Numbers& sizes,
                 const Numbers& slots, std::int64_t output_size, std::int64_t tape_size,
                 const Numbers& states, const Numbers& parameters, const longshort::Packed* packed,
                 const Numbers& fixed) {
  if (sizes.size() % 3 != 0 || slots.size() != 3 || states.size() % 3 != 0)
    throw nb::value_error("a step's tensors, slots and states are given by three numbers each");
  if (fixed.size() % 2 != 0) throw nb::value_error("fixed tensors are given by two numbers each");
  if (!layers_.empty() && states.size() != 3 * layers_[0].states.size())
    throw nb::value_error("all layers of a step have the same states");
  if (batch_ < 0 || output_size < 0 || tape_size < 0)
    throw nb::value_error("a size of the step is negative");
  if (packed && (&packed->program() != &program || packed->format() != format_))
    throw nb::value_error("the weights were packed for another program or format");
  Layer layer{&program, packed, {}, slots[0], slots[1], output_size * batch_ * bytes(),
              slots[2], tape_size * bytes(), {}, parameters};
  for (std::size_t i = 0; i < sizes.size(); i += 3)
    layer.tensors.push_back({nullptr, sizes[i], sizes[i + 1], sizes[i + 2]});
  for (std::size_t i = 0; i < states.size(); i += 3)
    layer.states.push_back({states[i], states[i + 1], states[i + 2] * batch_ * bytes()});
  for (std::int64_t place : {layer.x, layer.output, layer.tape}) layer.check(place);
  for (const auto& [old, fresh, size] : layer.states) layer.check(old), layer.check(fresh);
  for (std::int64_t place : parameters) layer.check(place);
  for (std::size_t i = 0; i < fixed.size(); i += 2) {
    layer.check(fixed[i]);
    put(layer.tensors, fixed[i], fixed[i + 1]);
  }
  layers_.push_back(std::move(layer));
}

void Stream::run(const Layer& layer, const std::vector<Tensor>& tensors) const {
  const longshort::Packed* packed = layer.packed;
  const longshort::Call call{1,       batch_, tensors.data(),
                             nullptr, 1,      packed ? packed->panels() : nullptr};
  const longshort::Kernels& kernels = packed ? packed->kernels() : kernels_of(std::nullopt);
  run_checked(*layer.program, kernels, format_, call, tensors.size());
}

void Stream::step(const Numbers& addresses) const {
  const std::size_t states = layers_.empty() ? 0 : layers_[0].states.size();
  std::size_t expected = 2 + 2 * states;
  for (const Layer& layer : layers_) expected += layer.parameters.size();
  if (layers_.empty() || addresses.size() != expected)
    throw nb::value_error("a step takes x, output, states and parameters of every layer");
  const auto given = addresses.begin() + 2;
  std::vector<std::int64_t> olds(given, given + states), news(given + states, given + 2 * states);
  std::unique_ptr<char[]> between[2];
  std::int64_t x = addresses[0];
  std::size_t at = 2 + 2 * states;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const bool last = l + 1 == layers_.size();
    const std::int64_t size = layer.tape_bytes + (last ? 0 : layer.output_bytes) + 64;
    between[l % 2] = std::make_unique_for_overwrite<char[]>(std::size_t(size));
    char* tape = between[l % 2].get();
    const std::int64_t output =
        last ? addresses[1] : reinterpret_cast<std::int64_t>(tape + layer.tape_bytes);
    std::vector<Tensor> tensors = layer.tensors;
    put(tensors, layer.x, x);
    put(tensors, layer.output, output);
    put(tensors, layer.tape, reinterpret_cast<std::int64_t>(tape));
    for (std::size_t s = 0; s < states; ++s) {
      const auto& [old, fresh, width] = layer.states[s];
      put(tensors, old, olds[s]);
      put(tensors, fresh, news[s]);
      olds[s] += width;
      news[s] += width;
    }
    for (std::int64_t place : layer.parameters) put(tensors, place, addresses[at++]);
    run(layer, tensors);
    x = output;
  }
}

bool Stream::step_arrays(nb::list arrays) const {
  const std::size_t states = layers_.empty() ? 0 : layers_[0].states.size();
  if (layers_.empty() || nb::len(arrays) != 2 + 2 * states) return false;
  const std::int64_t layers = std::int64_t(layers_.size());
  const char type = format_ == longshort::double_precision ? 'd' : 'f';
  std::deque<Held> held;
  Numbers addresses;
  const auto hold = [&](bool written, std::int64_t size,
                        std::initializer_list<std::int64_t> shape) {
    const Held& one = held.emplace_back(arrays[held.size()], written);
    const bool fits = one.fits(type, size, shape);
    addresses.push_back(fits ? one.address() : 0);
    return fits;
  };
  const Layer& first = layers_[0];
  const std::int64_t width = first.x < 0 ? 0 : first.tensors[std::size_t(first.x)].size;
  // Where it is not read, its size is not known.
  bool fit = hold(false, width, {batch_}) || first.x < 0;
  fit = fit && hold(true, layers_.back().output_bytes / bytes(), {batch_});
  for (const bool written : {false, true})
    for (const auto& state : first.states)
      fit = fit && hold(written, state[2] * layers / bytes(), {layers, batch_});
  if (fit) step(addresses);
  return fit;
}
