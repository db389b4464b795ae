// The stages of a step: matrix products, and runs of row instructions.
//
// Shapes: a product multiplies the rows of a block, [rows, K], by a matrix [K, N], packed in the
// layout's memory or, where it meets few rows, as it lies in the caller's tensor. A worker computes
// all rows and columns of its own block, or its share of them where all work on one block: some
// columns of each product and some rows of each run. Pointers to rows and ready instructions lie in
// the worker's own memory (`Own`), which the layout sizes.
#pragma once

#include "addressing.h"
#include "direct.h"
#include "gemm.h"
#include "narrowed.h"
#include "rows.h"

namespace longshort::LONGSHORT_ISA {

// ---- row instructions

template <class T>
LONGSHORT_INLINE void run_ready(ReadyInstruction<T>* ready, size_t count, size_t rows) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < count; ++i) {
      ReadyInstruction<T>& in = ready[i];
      in.function(in.target.at, in.sources[0].at, in.sources[1].at, in.sources[2].at, in.size);
      in.target.at += in.target.stride;
      for (View<T>& source : in.sources) source.at += source.stride;
    }
}

// All instructions of a run, row by row, on some rows of the block.
template <class T, class P>
void run_rows(Worker<T, P>& w, const Run& run, size_t k, Range rows) {
  const size_t count = size_t(run.last - run.first);
  for (size_t i = 0; i < count; ++i) {
    const Instruction& from = w.program.instructions[size_t(run.first) + i];
    ReadyInstruction<T>& ready = w.own.ready[i];
    ready.function = row_functions<T>[size_t(from.op)];
    ready.target = from_row(view(w, from.target, k), rows.from);
    ready.size = size_t(from.size);
    for (size_t s = 0; s < most_sources; ++s)
      ready.sources[s] = from_row(view(w, from.sources[s], k), rows.from);
  }
  run_ready(w.own.ready, count, rows.to - rows.from);
}

// Prefetches what the step before will read, which lies far away and is read
// backwards, which no processor predicts.
template <class T, class P>
void prefetch_step(const Worker<T, P>& w, size_t k, Range rows) {
  if (k == 0) return;
  for (const Buffer& buffer : w.program.buffers) {
    if (buffer.kind != Kind::time || buffer.ring || buffer.shift) continue;
    const View<T> from = time_view(w, buffer, k - 1, 0);
    for (size_t r = rows.from; r < rows.to; ++r)
      for (Index i = 0; i < buffer.width; i += Index(64 / sizeof(T)))
        __builtin_prefetch(from.at + ptrdiff_t(r) * from.stride + i, 0, 2);
  }
}

// ---- products

// Pointers to the block's rows at step k, behind the `filled` ones that are there; how many there
// are then.
template <class T, class P>
size_t point_at(Worker<T, P>& w, size_t filled, const Product& product, size_t k, size_t rows) {
  const View<T> source = view(w, product.source, k);
  const View<T> start = view(w, product.start, k);
  const View<T> target = view(w, product.target, k);
  for (size_t r = 0; r < rows; ++r, ++filled) {
    w.own.sources[filled] = source.at + ptrdiff_t(r) * source.stride;
    w.own.starts[filled] = start.at + ptrdiff_t(r) * start.stride;
    w.own.targets[filled] = target.at + ptrdiff_t(r) * target.stride;
  }
  return filled;
}

template <class T, class P>
LONGSHORT_INLINE size_t product_width(const Worker<T, P>& w, const Product& product) {
  return matrix_width(w.program.matrices[size_t(product.matrix)]);
}

// This worker's columns: whole panels, so that packed ones can be addressed.
template <class T, class P>
LONGSHORT_INLINE Range my_columns(const Worker<T, P>& w, const Product& product) {
  return w.mine(product_width(w, product), panel_columns<P>);
}

// A matrix as it lies in the caller's tensor.
template <class T, class P>
LONGSHORT_INLINE Plain<P> plain(const Call& call, const Weight& matrix) {
  const Tensor& from = call.externals[matrix.external];
  const ptrdiff_t stride = ptrdiff_t(from.batch_stride);
  return {static_cast<const T*>(from.data) + matrix.begin * stride, stride, matrix.transposed};
}

// Some columns of the product of the rows that `point_at` has found.
template <class T, class P>
void run_product(Worker<T, P>& w, const Product& stage, size_t rows, Range columns) {
  if (columns.from == columns.to) return;
  const Weight& matrix = w.program.matrices[size_t(stage.matrix)];
  const size_t K = matrix_depth(matrix);
  const Given<P>* const* sources =
      narrowed<P>(w.own.sources, w.own.narrow_sources, rows, 0, K, w.own.narrowed);
  const T* const* starts = stage.start.buffer < 0 ? nullptr : w.own.starts;
  if constexpr (!is_stored<P>)
    if (!w.extent.packed)
      return direct_product<P>(rows, sources, starts, w.own.targets, plain<T, P>(w.call, matrix), K,
                               columns.from, columns.to);
  product<P>(rows, sources, starts, w.own.targets,
             w.layout.packed_at + w.layout.matrix_offsets[stage.matrix], K, columns.from,
             columns.to);
}

// ---- steps

template <class T, class P>
void run_step(Worker<T, P>& w, size_t k, size_t rows) {
  for (const Stage& stage : w.program.step) {
    if (!stage.is_product) {
      const Range range = w.mine(rows, 1);
      if (w.program.backward && &stage == w.program.step.data) prefetch_step(w, k, range);
      run_rows(w, stage.run, k, range);
    } else {
      point_at(w, 0, stage.product, k, rows);
      run_product(w, stage.product, rows, my_columns(w, stage.product));
    }
    w.meet();
  }
}

// The stages before or after the loop, for all steps of the chunk [k0, k1) at once.
template <class T, class P>
void run_chunk(Worker<T, P>& w, List<Stage> stages, size_t k1) {
  const Range steps = w.mine(k1 - w.k0, 1);
  for (const Stage& stage : stages) {
    size_t filled = 0;
    for (size_t k = w.k0 + steps.from; k < w.k0 + steps.to; ++k) {
      const size_t rows = w.rows_at(k);
      if (stage.is_product)
        filled = point_at(w, filled, stage.product, k, rows);
      else
        run_rows(w, stage.run, k, {0, rows});
    }
    if (stage.is_product)
      run_product(w, stage.product, filled, {0, product_width(w, stage.product)});
  }
  w.meet();
}

}  // namespace longshort::LONGSHORT_ISA
