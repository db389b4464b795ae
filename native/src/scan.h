// Runs a program over time.
//
// Forward, every thread takes blocks of sequences through all steps by itself. Backward,
// threads go through a chunk of steps in the same way and then meet, to add the chunk's
// part of the weight gradients, of which each thread owns some rows. Where there are too
// few sequences for that, threads go through the steps together: each has some columns of
// every product and some rows of everything else, and they meet after every stage.
//
// No sum depends on who computes it, so results are the same bits for any number of threads.
//
// Memory: `run` allocates once what `Layout` divides up and frees it; tensors are the caller's.
#pragma once

#include <cstdlib>

#include "gradients.h"
#include "stages.h"

namespace longshort::LONGSHORT_ISA {

// ---- first and last rows of sequences

template <class T>
LONGSHORT_INLINE void copy_row(View<T> target, View<T> source, size_t r, size_t width) {
  const T* from = source.at + ptrdiff_t(r) * source.stride;
  T* to = target.at + ptrdiff_t(r) * target.stride;
  for (size_t i = 0; i < width; ++i) to[i] = from[i];
}

// Sequences whose last step is k begin their backward pass with the final gradients.
template <class T, class P>
void enter(Worker<T, P>& w, size_t k) {
  const size_t from = k + 1 < w.extent.steps ? w.rows_at(k + 1) : 0;
  const size_t to = w.rows_at(k);
  if (from == to) return;
  for (const Enter& each : w.program.enter) {
    const Buffer& buffer = w.program.buffers[size_t(each.target)];
    const View<T> source = view(w, Place{each.source, 0}, k);
    const View<T> target = view(w, Place{each.target, 0}, k + 1);
    const Range rows = w.mine(to - from, 1);
    for (size_t r = from + rows.from; r < from + rows.to; ++r)
      copy_row(target, source, r, size_t(buffer.width));
  }
  w.meet();
}

// Every sequence's last row, or what it was given where it has no steps, goes to the results.
template <class T, class P>
void leave(Worker<T, P>& w) {
  const Range rows = w.mine(w.rows_among(w.extent.batch), 1);
  for (const Leave& each : w.program.leave) {
    const size_t width = size_t(w.program.buffers[size_t(each.target)].width);
    const View<T> first = view(w, Place{each.first, 0}, 0);
    const View<T> target = view(w, Place{each.target, 0}, 0);
    for (size_t r = rows.from; r < rows.to; ++r) {
      const size_t b = w.b0 + r * w.pitch;
      const size_t length = w.call.lengths ? size_t(w.call.lengths[b]) : w.extent.steps;
      const size_t last = w.program.backward ? 0 : length - 1;
      copy_row(target, length ? view(w, each.source, last) : first, r, width);
    }
  }
}

// ---- the two passes

template <class T, class P>
void forward(Worker<T, P>& w) {
  const Extent& e = w.extent;
  for (size_t block = w.first_block(); block < e.blocks; block += e.threads) {
    w.begin(block);
    for (w.k0 = 0; w.k0 < e.steps && w.rows_at(w.k0) > 0; w.k0 += e.chunk) {
      const size_t k1 = smaller(w.k0 + e.chunk, e.steps);
      run_chunk(w, w.program.before, k1);
      for (size_t k = w.k0; k < k1; ++k)
        if (const size_t rows = w.rows_at(k)) run_step(w, k, rows);
    }
    leave(w);
  }
}

template <class T, class P>
void backward(Worker<T, P>& w) {
  const Extent& e = w.extent;
  for (size_t chunk = divide_up(e.steps, e.chunk); chunk-- > 0;) {
    w.k0 = chunk * e.chunk;
    const size_t k1 = smaller(w.k0 + e.chunk, e.steps);
    for (size_t block = w.first_block(); block < e.blocks; block += e.threads) {
      w.begin(block);
      for (size_t k = k1; k-- > w.k0;) {
        enter(w, k);
        if (const size_t rows = w.rows_at(k)) run_step(w, k, rows);
      }
      run_chunk(w, w.program.after, k1);
    }
    w.meet_all();
    add_gradients(w, k1);
    w.meet_all();
  }
  for (size_t block = w.first_block(); block < e.blocks; block += e.threads) {
    w.begin(block);
    leave(w);
  }
}

// ---- all threads

template <class T, class P>
class Scan {
 public:
  Scan(const Program& program, const Call& call, const Extent& e, const Layout<T, P>& layout)
      : program_(program), call_(call), e_(e), layout_(layout) {}

  void run(int thread) {
    Worker<T, P> worker{program_, call_, e_, layout_, barrier_, layout_.own[thread],
                        size_t(thread), {}};
    if (thread == 0) prepare();
    worker.meet_all();
    pack_part(size_t(thread));
    worker.meet_all();
    if (program_.backward)
      backward(worker);
    else
      forward(worker);
  }

 private:
  // What is there once for all threads: sequences alive at each step, constants.
  void prepare() {
    size_t alive = e_.batch;
    for (size_t k = 0; k <= e_.steps; ++k) {
      if (call_.lengths)
        while (alive > 0 && size_t(call_.lengths[alive - 1]) <= k) --alive;
      layout_.alive[k] = k < e_.steps ? alive : 0;
    }
    for (size_t i = 0; i < program_.buffers.size; ++i) {
      const Buffer& buffer = program_.buffers[i];
      if (buffer.kind != Kind::constant) continue;
      T* at = layout_.constants + layout_.offsets[i];
      for (int64_t j = 0; j < buffer.width; ++j) at[j] = T(buffer.value);
    }
  }

  void pack_part(size_t thread) {
    size_t turn = 0;
    for (size_t i = 0; i < program_.matrices.size; ++i) {
      if (!is_packed(program_, e_, i)) continue;
      const Weight& m = program_.matrices[i];
      const Tensor& from = call_.externals[m.external];
      const T* at = static_cast<const T*>(from.data) + m.begin * from.batch_stride;
      const size_t K = matrix_depth(m), N = matrix_width(m);
      const ptrdiff_t row = ptrdiff_t(from.batch_stride);
      P* out = layout_.packed_at + layout_.matrix_offsets[i];
      for (size_t n = 0; n < N; n += panel_columns<P>, ++turn) {
        if (turn % e_.threads != thread) continue;
        const size_t columns = smaller(panel_columns<P>, N - n);
        pack<P>(at + ptrdiff_t(n) * (m.transposed ? 1 : row), row, m.transposed, K, columns,
                out + packed_offset<P>(K, n));
      }
    }
  }

  const Program& program_;
  const Call& call_;
  const Extent& e_;
  const Layout<T, P>& layout_;
  Barrier barrier_;
};

// False if there is not enough memory.
template <class T, class P>
bool run(const Program& program, const Call& call) {
  if (call.steps == 0 || call.batch == 0) return true;
  // Where a thread has whole sequences to itself, more than those are of no use.
  const bool all = work_together(program, call) ||
                   (program.backward && call.steps * call.batch > int64_t(few_rows));
  const int64_t useful = all ? int64_t(call.threads) : call.batch;
  Team team(int(useful < call.threads ? useful : call.threads));
  const Extent e = extent<T>(program, call, team.size());
  Arena measure(nullptr);
  lay_out<T, P>(program, e, measure);
  char* memory = static_cast<char*>(std::aligned_alloc(64, measure.used()));
  if (!memory) return false;
  Arena arena(memory);
  const Layout<T, P> layout = lay_out<T, P>(program, e, arena);
  Scan<T, P> scan(program, call, e, layout);
  team.run([](void* context, int thread) { static_cast<Scan<T, P>*>(context)->run(thread); }, &scan);
  std::free(memory);
  return true;
}

}  // namespace longshort::LONGSHORT_ISA
