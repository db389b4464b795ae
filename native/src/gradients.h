// Gradients of the weights: sums over a chunk of steps and all sequences.
//
// A matrix's gradient, the caller's tensor, gets the outer products d vᵀ of the rows of the chunk,
// d [rows, M] and v [rows, N]; each worker adds some of its M rows. A vector's gradient is added in
// double to the caller's tensor of doubles, each worker some columns. No sum depends on how many
// workers there are, nor on how many calls run the chunks, from the last to the first.
#pragma once

#include "addressing.h"
#include "narrowed.h"
#include "outer.h"

namespace longshort::LONGSHORT_ISA {

// Pointers to the rows of a place: all sequences that have not ended, of the steps [k0, k1). How
// many they are.
template <class T, class P>
size_t gather(const Worker<T, P>& w, const T** pointers, Place place, size_t k1) {
  size_t filled = 0;
  for (size_t k = w.k0; k < k1; ++k) {
    const View<T> rows = view(w, place, k);
    for (size_t b = 0; b < w.layout.alive[k]; ++b)
      pointers[filled++] = rows.at + ptrdiff_t(b) * rows.stride;
  }
  return filled;
}

template <class T, class P>
void add_matrix(Worker<T, P>& w, const MatrixSum& sum, size_t k1) {
  const auto [from, to] = w.share(size_t(sum.end - sum.begin), 6);
  if (from == to) return;
  const size_t rows = gather(w, w.own.sources, sum.d, k1);
  gather(w, w.own.starts, sum.v, k1);
  const Tensor& gradient = w.call.externals[sum.external];
  T* at = static_cast<T*>(gradient.data) + sum.begin * gradient.batch_stride;
  const size_t columns = size_t(sum.columns);
  P* second = w.own.narrowed + rows * round_up(to - from, 32);
  accumulate_outer<P>(
      rows, narrowed(w.own.sources, w.own.narrow_sources, rows, from, to, w.own.narrowed), from, to,
      narrowed(w.own.starts, w.own.narrow_starts, rows, 0, columns, second), columns, at,
      ptrdiff_t(gradient.batch_stride), w.own.scratch);
}

// Adds columns [i, i + V vectors) of the rows, of the last vector only `last` columns.
template <class T, size_t V>
LONGSHORT_INLINE void add_columns(const T* const* rows, size_t count, size_t i, double* sums,
                                  size_t last = lanes<T>) {
  Vec<T> part[V];
  for (size_t v = 0; v < V; ++v) part[v] = zero<T>();
  for (size_t r = 0; r < count; ++r)
    for (size_t v = 0; v < V; ++v)
      part[v] = part[v] + load_part(rows[r] + i + v * lanes<T>, last);
  for (size_t v = 0; v < V; ++v)
    for (size_t lane = 0; lane < last; ++lane)
      sums[i + v * lanes<T> + lane] += double(part[v].raw[lane]);
}

template <class T, class P>
void add_vector(Worker<T, P>& w, size_t index, size_t k1) {
  // As many vectors at once as keep a whole stretch of each row in use.
  constexpr size_t wide = 4;
  const VectorSum& sum = w.program.vector_sums[index];
  const auto [from, to] = w.share(size_t(sum.size), lanes<T>);
  if (from == to) return;
  const size_t rows = gather(w, w.own.sources, sum.d, k1);
  double* sums = static_cast<double*>(w.call.externals[sum.total].data);
  size_t i = from;
  for (; i + wide * lanes<T> <= to; i += wide * lanes<T>)
    add_columns<T, wide>(w.own.sources, rows, i, sums);
  for (; i < to; i += lanes<T>)
    add_columns<T, 1>(w.own.sources, rows, i, sums, smaller(to - i, lanes<T>));
}

// This worker's part of the gradients of a chunk of steps.
template <class T, class P>
void add_gradients(Worker<T, P>& w, size_t k1) {
  w.begin_all();
  for (const MatrixSum& sum : w.program.matrix_sums) add_matrix(w, sum, k1);
  for (size_t i = 0; i < w.program.vector_sums.size; ++i) add_vector(w, i, k1);
}

}  // namespace longshort::LONGSHORT_ISA
