// The matrices of a program in panels, made once for many calls.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>

#include "checked.h"
#include "kernels.h"

namespace longshort {

// A copy: later changes of the tensors that it was made from do not reach it.
class Packed {
 public:
  // The tensors are those of `packing_fault`, without fault. Throws std::bad_alloc.
  Packed(const OwnedProgram& program, const Kernels& kernels, FormatNumber format,
         std::span<const Tensor> matrices, std::span<const Tensor> scales);

  const OwnedProgram& program() const { return *program_; }
  const Kernels& kernels() const { return *kernels_; }
  FormatNumber format() const { return format_; }
  const void* panels() const { return memory_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  const OwnedProgram* program_;
  const Kernels* kernels_;
  FormatNumber format_;
  std::size_t bytes_;
  std::unique_ptr<void, Free> memory_;
};

}  // namespace longshort
