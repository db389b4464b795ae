#include "packed.h"

#include <new>

#include "pages.h"

namespace longshort {

Packed::Packed(const OwnedProgram& program, const Kernels& kernels, FormatNumber format,
               std::span<const Tensor> matrices, std::span<const Tensor> scales)
    : program_(&program), kernels_(&kernels), format_(format) {
  const Program view = program.view();
  const Format& chosen = kernels.formats[format];
  // At least something, so that there is an address.
  bytes_ = (chosen.panels_bytes(view) + 64) / 64 * 64;
  memory_.reset(std::aligned_alloc(64, bytes_));
  if (!memory_) throw std::bad_alloc();
  prefer_large_pages(memory_.get(), bytes_);
  std::vector<const float*> at;
  for (const Tensor& each : scales) at.push_back(static_cast<const float*>(each.data));
  chosen.pack(view, matrices.data(), at.data(), memory_.get());
}

}  // namespace longshort
