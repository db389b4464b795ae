// Where the rows of a value lie: from a place in a program, a step and a worker's block to a pointer.
//
// A view shows one column range of all rows of a block at one step, [rows, ·] with a stride between
// rows; which memory that is follows from the kind of the buffer:
//   row       [W]               the worker's own, one row at a time
//   block     [rows, W]         the worker's own, valid within a step
//   local     [chunk, rows, W]  the worker's own, valid within a chunk of steps
//   shared    [chunk, B, W]     one for all workers
//   time      [T or ring, B, ·] the caller's tensor
//   batch     [B, ·]            the caller's tensor
//   vector    [W]               the caller's tensor, the same row for every sequence
//   constant  [W]               one for all workers
#pragma once

#include "worker.h"

namespace longshort::LONGSHORT_ISA {

// A tensor of the call at a step and a sequence.
template <class T, class P>
LONGSHORT_INLINE T* tensor_at(const Worker<T, P>& w, size_t index, ptrdiff_t time, size_t b) {
  const Tensor& tensor = w.call.externals[index];
  return static_cast<T*>(tensor.data) + time * tensor.time_stride +
         ptrdiff_t(b) * tensor.batch_stride;
}

// From one row of the block to the next in a tensor of the call.
template <class T, class P>
LONGSHORT_INLINE ptrdiff_t row_stride(const Worker<T, P>& w, Index index) {
  return ptrdiff_t(w.call.externals[index].batch_stride) * ptrdiff_t(w.pitch);
}

template <class T, class P>
View<T> view(const Worker<T, P>& w, Place place, size_t k);

// The view of a buffer of kind time, whose step may lie before the first.
template <class T, class P>
View<T> time_view(const Worker<T, P>& w, const Buffer& buffer, size_t k, Index column) {
  ptrdiff_t at = ptrdiff_t(k) + ptrdiff_t(buffer.shift);
  if (at < 0) return view(w, Place{buffer.first, column}, k);
  if (buffer.ring) at %= ptrdiff_t(buffer.ring);
  return {tensor_at(w, size_t(buffer.external), at, w.b0) + buffer.origin + column,
          row_stride(w, buffer.external)};
}

// The rows of the worker's block at step k; no pointer for a place in no buffer.
template <class T, class P>
View<T> view(const Worker<T, P>& w, Place place, size_t k) {
  if (place.buffer < 0) return {};
  const Buffer& buffer = w.program.buffers[size_t(place.buffer)];
  const Extent& e = w.extent;
  const size_t offset = w.layout.offsets[place.buffer];
  const size_t width = padded<T>(size_t(buffer.width));
  switch (buffer.kind) {
    case Kind::row:
      return {w.own.row + offset + place.column, 0};
    case Kind::block:
      return {w.own.block + offset * e.block + place.column, ptrdiff_t(width)};
    case Kind::local:
      return {w.own.local + (offset * e.chunk + (k - w.k0) * width) * e.block + place.column,
              ptrdiff_t(width)};
    case Kind::shared:
      return {w.layout.shared_at + (offset * e.chunk + (k - w.k0) * width) * e.batch +
                  w.b0 * width + place.column,
              ptrdiff_t(width * w.pitch)};
    case Kind::time:
      return time_view(w, buffer, k, place.column);
    case Kind::batch:
      return {tensor_at(w, size_t(buffer.external), 0, w.b0) + place.column,
              row_stride(w, buffer.external)};
    case Kind::vector:
      return {tensor_at(w, size_t(buffer.external), 0, 0) + place.column, 0};
    case Kind::constant:
      return {w.layout.constants + offset + place.column, 0};
  }
  return {};
}

// The view from row r on.
template <class T>
LONGSHORT_INLINE View<T> from_row(View<T> rows, size_t r) {
  return {rows.at + ptrdiff_t(r) * rows.stride, rows.stride};
}

}  // namespace longshort::LONGSHORT_ISA
