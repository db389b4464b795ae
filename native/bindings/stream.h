// Single steps through a stack of layers.
#pragma once

#include <array>

#include "calls.h"

class Stream {
 public:
  Stream(int format, std::int64_t batch);

  // sizes: time stride, batch stride and size of each tensor; slots: places of x, output and tape
  // among them, -1 for what the layer does not read; states: old place, new place and columns of
  // each; parameters: places of what each step is given; fixed: places and addresses of what is the
  // same at every step. packed: the layer's matrices, of which no addresses are needed then.
  void add(const longshort::OwnedProgram& program, const Numbers& sizes, const Numbers& slots,
           std::int64_t output_size, std::int64_t tape_size, const Numbers& states,
           const Numbers& parameters, const longshort::Packed* packed, const Numbers& fixed);

  // addresses: x, the output, each old state [L, B, W], each new one, and every layer's parameters.
  void step(const Numbers& addresses) const;

  // The same with arrays that have buffers, of layers that have all their parameters. False, and
  // nothing is done, if one of them is not dense or has another type or shape.
  bool step_arrays(nanobind::list arrays) const;

 private:
  struct Layer {
    const longshort::OwnedProgram* program;
    const longshort::Packed* packed;
    std::vector<longshort::Tensor> tensors;
    std::int64_t x, output, output_bytes, tape, tape_bytes;
    std::vector<std::array<std::int64_t, 3>> states;  // old, new, bytes
    Numbers parameters;

    void check(std::int64_t place) const;
  };

  void run(const Layer& layer, const std::vector<longshort::Tensor>& tensors) const;

  std::int64_t bytes() const { return format_ == longshort::double_precision ? 8 : 4; }

  longshort::FormatNumber format_;
  std::int64_t batch_;
  std::vector<Layer> layers_;
};
