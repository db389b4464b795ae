// How much memory a scan works in, and where everything lies in it.
#pragma once

#include "gemm.h"
#include "outer.h"
#include "program.h"
#include "rows.h"

namespace longshort::LONGSHORT_ISA {

// Rows of matrix products and row instructions are worked on block by block: so many
// that the packed weights are read for several rows at once, so few that what one step
// computes stays in the second-level cache.
inline constexpr size_t most_block_rows = 30;
inline constexpr size_t block_bytes = size_t(256) << 10;
inline constexpr size_t early_rows = 96;
// With fewer rows in the whole scan, packing the weights would cost more than it gains.
inline constexpr size_t few_rows = 12;
// Threads that share the columns of a step meet twice a step, which this many weights are
// worth.
inline constexpr size_t shared_weights = size_t(32) << 10;

struct Extent {
  size_t steps, batch, threads;
  // All threads work on one block: each has some columns of a product and some of the rows.
  bool together;
  size_t block, blocks;
  // From one sequence of a block to the next: where sequences end early, they are dealt
  // out, since they are sorted by length and all blocks should have as much to do.
  size_t pitch;
  size_t chunk;
};

// Rows of a power of two bytes would fall on the same cache sets.
template <class T>
LONGSHORT_INLINE size_t padded(size_t width) {
  const size_t whole = round_up(width, 64 / sizeof(T));
  return whole * sizeof(T) % 1024 == 0 ? whole + 64 / sizeof(T) : whole;
}

template <class T>
inline size_t bytes_per_row(const Program& program) {
  size_t bytes = sizeof(T);
  for (const Buffer& buffer : program.buffers)
    if (buffer.kind == Kind::block || buffer.kind == Kind::local)
      bytes += padded<T>(size_t(buffer.width)) * sizeof(T);
  return bytes;
}

inline size_t matrix_depth(const Weight& m) {
  return size_t(m.transposed ? m.end - m.begin : m.columns);
}

inline size_t matrix_width(const Weight& m) {
  return size_t(m.transposed ? m.columns : m.end - m.begin);
}

// Numbers in the matrices that every step multiplies by.
inline size_t weights_per_step(const Program& program) {
  size_t weights = 0;
  for (const Stage& stage : program.step)
    if (stage.is_product)
      weights += matrix_depth(program.matrices[size_t(stage.product.matrix)]) *
                 matrix_width(program.matrices[size_t(stage.product.matrix)]);
  return weights;
}

// Where there are too few sequences for each thread to have its own.
inline bool work_together(const Program& program, const Call& call) {
  return call.batch < call.threads && size_t(call.steps * call.batch) > few_rows &&
         weights_per_step(program) >= shared_weights;
}

template <class T>
inline Extent extent(const Program& program, const Call& call, int threads) {
  Extent e{};
  e.steps = size_t(call.steps);
  e.batch = size_t(call.batch);
  e.threads = size_t(threads);
  e.together = threads > 1 && work_together(program, call);
  const size_t fitting = block_bytes / bytes_per_row<T>(program);
  const size_t most = e.together ? e.batch : smaller(most_block_rows, fitting < 6 ? 6 : fitting);
  const size_t teams = e.together ? 1 : e.threads;
  e.blocks = divide_up(divide_up(e.batch, most), teams) * teams;
  e.block = divide_up(e.batch, e.blocks);
  e.blocks = divide_up(e.batch, e.block);
  e.pitch = call.lengths ? e.blocks : 1;
  const size_t wanted = program.backward ? divide_up(gradient_rows, e.batch)
                                         : divide_up(early_rows * e.threads / teams, e.block);
  e.chunk = smaller(wanted, e.steps);
  return e;
}

// Whether a matrix is packed: not if it meets few rows in all, or one row at a time.
inline bool is_packed(const Program& program, const Extent& e, size_t matrix) {
  if (e.steps * e.batch <= few_rows) return false;
  if (e.batch > 1) return true;
  for (const Stage& stage : program.before)
    if (stage.is_product && size_t(stage.product.matrix) == matrix) return true;
  for (const Stage& stage : program.after)
    if (stage.is_product && size_t(stage.product.matrix) == matrix) return true;
  return false;
}

// Hands out parts of one allocation; run once with no memory to learn the size.
class Arena {
 public:
  explicit Arena(char* memory) : memory_(memory) {}

  template <class T>
  T* take(size_t count) {
    T* found = memory_ ? reinterpret_cast<T*>(memory_ + used_) : nullptr;
    used_ += round_up(count * sizeof(T), 64);
    return found;
  }

  size_t used() const { return used_; }

 private:
  char* memory_;
  size_t used_ = 0;
};

// Rows of sequences b0, b0+1, ... at one step.
template <class T>
struct View {
  T* at = nullptr;
  ptrdiff_t stride = 0;
};

template <class T>
struct ReadyInstruction {
  RowFunction<T> function;
  View<T> target;
  View<T> sources[most_sources];
  size_t size;
};

// The memory of one thread; pointers into the scan's allocation.
template <class T, class P>
struct Own {
  T* row;
  T* block;
  T* local;
  ReadyInstruction<T>* ready;
  const T** sources;
  const T** starts;
  T** targets;
  P* narrowed;
  const P** narrow_sources;
  const P** narrow_starts;
  void* scratch;
};

// T: the type of values; P: the type of products' operands, narrowed from T where it is
// another one.
template <class T, class P>
struct Layout {
  size_t* offsets;
  size_t row = 0, block = 0, local = 0, shared = 0, constant = 0;
  size_t* matrix_offsets;
  size_t packed = 0;
  T* constants;
  P* packed_at;
  T* shared_at;
  size_t* alive;
  Own<T, P>* own;
};

template <class T, class P>
inline size_t& total_of(Layout<T, P>& layout, Kind kind) {
  if (kind == Kind::row) return layout.row;
  if (kind == Kind::block) return layout.block;
  if (kind == Kind::local) return layout.local;
  if (kind == Kind::shared) return layout.shared;
  return layout.constant;
}

template <class T, class P>
inline void place_buffers(const Program& program, Layout<T, P>& layout, bool write) {
  for (size_t i = 0; i < program.buffers.size; ++i) {
    const Buffer& buffer = program.buffers[i];
    if (buffer.external >= 0) continue;
    size_t& total = total_of(layout, buffer.kind);
    if (write) layout.offsets[i] = total;
    total += padded<T>(size_t(buffer.width));
  }
}

template <class T, class P>
inline void place_matrices(const Program& program, const Extent& e, Layout<T, P>& layout,
                           bool write) {
  for (size_t i = 0; i < program.matrices.size; ++i) {
    if (!is_packed(program, e, i)) continue;
    if (write) layout.matrix_offsets[i] = layout.packed;
    const Weight& m = program.matrices[i];
    layout.packed += round_up(packed_size<P>(matrix_depth(m), matrix_width(m)), 64);
  }
}

template <class P>
inline size_t sink_scratch(const Program& program, size_t rows) {
  size_t most = 0;
  for (const MatrixSum& sum : program.matrix_sums) {
    const size_t size = scratch_size<P>(rows, size_t(sum.columns));
    most = size > most ? size : most;
  }
  return most;
}

// Elements of P that the longest operands of a product, or of a sum of outer products,
// are narrowed to.
template <class T, class P>
inline size_t narrowed_size(const Program& program, size_t rows) {
  if (sizeof(T) == sizeof(P)) return 0;
  size_t most = 0;
  for (const Weight& m : program.matrices) {
    const size_t size = round_up(matrix_depth(m), 32);
    most = size > most ? size : most;
  }
  for (const MatrixSum& sum : program.matrix_sums) {
    const size_t size =
        round_up(size_t(sum.end - sum.begin), 32) + round_up(size_t(sum.columns), 32);
    most = size > most ? size : most;
  }
  return most * rows;
}

template <class T, class P>
inline Layout<T, P> lay_out(const Program& program, const Extent& e, Arena& arena) {
  Layout<T, P> layout{};
  layout.offsets = arena.take<size_t>(program.buffers.size);
  layout.matrix_offsets = arena.take<size_t>(program.matrices.size);
  const bool write = layout.offsets != nullptr;
  place_buffers(program, layout, write);
  place_matrices(program, e, layout, write);
  layout.alive = arena.take<size_t>(e.steps + 1);
  layout.constants = arena.take<T>(layout.constant);
  layout.packed_at = arena.take<P>(layout.packed);
  layout.shared_at = arena.take<T>(layout.shared * e.chunk * e.batch);
  layout.own = arena.take<Own<T, P>>(e.threads);
  const size_t pointers = e.chunk * (program.backward ? e.batch : e.block);
  const size_t sets = e.together ? 1 : e.threads;
  const size_t block = layout.block * e.block, local = layout.local * e.block * e.chunk;
  T* const blocks = arena.take<T>(block * sets);
  T* const locals = arena.take<T>(local * sets);
  for (size_t t = 0; t < e.threads; ++t) {
    Own<T, P> own{};
    own.row = arena.take<T>(layout.row);
    own.ready = arena.take<ReadyInstruction<T>>(program.instructions.size);
    own.sources = arena.take<const T*>(pointers);
    own.starts = arena.take<const T*>(pointers);
    own.targets = arena.take<T*>(pointers);
    own.narrowed = arena.take<P>(narrowed_size<T, P>(program, pointers));
    own.narrow_sources = arena.take<const P*>(pointers);
    own.narrow_starts = arena.take<const P*>(pointers);
    own.scratch = arena.take<char>(sink_scratch<P>(program, pointers));
    if (!write) continue;
    own.block = blocks + t % sets * block;
    own.local = locals + t % sets * local;
    layout.own[t] = own;
  }
  return layout;
}

}  // namespace longshort::LONGSHORT_ISA
