// Runs a program over time.
//
// Forward, every thread takes blocks of sequences through all steps by itself. Backward,
// threads go through a chunk of steps in the same way and then meet, to add the chunk's
// part of the weight gradients, of which each thread owns some rows. Where there are too
// few sequences for that, threads go through the steps together: each has some columns of
// every product and some rows of everything else, and they meet after every stage.
//
// No sum depends on who computes it, so results are the same bits for any number of threads.
#pragma once

#include <cstdlib>

#include "direct.h"
#include "layout.h"
#include "parallel.h"
#include "rows.h"

namespace longshort::LONGSHORT_ISA {

template <class T, class P>
class Scan {
 public:
  Scan(const Program& program, const Call& call, const Extent& e, const Layout<T, P>& layout)
      : program_(program), call_(call), e_(e), layout_(layout) {}

  void run(int thread) {
    Worker worker{*this, layout_.own[thread], size_t(thread), {}, 0, 1, 0};
    if (thread == 0) prepare();
    barrier_.wait(worker.turn, int(e_.threads));
    pack_part(size_t(thread));
    barrier_.wait(worker.turn, int(e_.threads));
    if (program_.backward)
      worker.backward();
    else
      worker.forward();
  }

 private:
  struct Worker {
    Scan& scan;
    Own<T, P>& own;
    size_t thread;
    Barrier::Turn turn;
    // The block's first sequence, and from one of its sequences to the next.
    size_t b0;
    size_t pitch;
    size_t k0;

    // ---- addresses

    T* external(size_t index, ptrdiff_t time, size_t b) const {
      const Tensor& tensor = scan.call_.externals[index];
      return static_cast<T*>(tensor.data) + time * tensor.time_stride +
             ptrdiff_t(b) * tensor.batch_stride;
    }

    ptrdiff_t row_stride(int64_t index) const {
      return ptrdiff_t(scan.call_.externals[index].batch_stride) * ptrdiff_t(pitch);
    }

    View<T> time_view(const Buffer& buffer, size_t k, int64_t column) const {
      ptrdiff_t at = ptrdiff_t(k) + ptrdiff_t(buffer.shift);
      if (at < 0) return view(Place{buffer.first, column}, k);
      if (buffer.ring) at %= ptrdiff_t(buffer.ring);
      return {external(size_t(buffer.external), at, b0) + buffer.origin + column,
              row_stride(buffer.external)};
    }

    View<T> view(Place place, size_t k) const {
      if (place.buffer < 0) return {};
      const Buffer& buffer = scan.program_.buffers[size_t(place.buffer)];
      const Layout<T, P>& layout = scan.layout_;
      const size_t offset = layout.offsets[place.buffer];
      const size_t width = padded<T>(size_t(buffer.width));
      switch (buffer.kind) {
        case Kind::row:
          return {own.row + offset + place.column, 0};
        case Kind::block:
          return {own.block + offset * scan.e_.block + place.column, ptrdiff_t(width)};
        case Kind::local:
          return {own.local + (offset * scan.e_.chunk + (k - k0) * width) * scan.e_.block +
                      place.column,
                  ptrdiff_t(width)};
        case Kind::shared:
          return {layout.shared_at +
                      (offset * scan.e_.chunk + (k - k0) * width) * scan.e_.batch + b0 * width +
                      place.column,
                  ptrdiff_t(width * pitch)};
        case Kind::time:
          return time_view(buffer, k, place.column);
        case Kind::batch:
          return {external(size_t(buffer.external), 0, b0) + place.column,
                  row_stride(buffer.external)};
        case Kind::vector:
          return {external(size_t(buffer.external), 0, 0) + place.column, 0};
        case Kind::constant:
          return {layout.constants + offset + place.column, 0};
      }
      return {};
    }

    struct Range {
      size_t from, to;
    };

    // Of `count`, what is this thread's where all work together, else everything.
    Range mine(size_t count, size_t grain) const {
      Range range{0, count};
      if (scan.e_.together) share(count, grain, range.from, range.to);
      return range;
    }

    void meet() {
      if (scan.e_.together) scan.barrier_.wait(turn, int(scan.e_.threads));
    }

    void begin(size_t block) {
      pitch = scan.e_.pitch;
      b0 = pitch > 1 ? block : block * scan.e_.block;
    }

    // Of the first `sequences` of the batch, those in this block.
    size_t rows_among(size_t sequences) const {
      return sequences > b0 ? smaller(scan.e_.block, divide_up(sequences - b0, pitch)) : 0;
    }

    // Rows of the block that are alive at step k.
    size_t rows_at(size_t k) const { return rows_among(scan.layout_.alive[k]); }

    // ---- stages

    void run_rows(const Stage& stage, size_t k, Range rows) {
      const size_t count = size_t(stage.run.last - stage.run.first);
      for (size_t i = 0; i < count; ++i) {
        const Instruction& from = scan.program_.instructions[size_t(stage.run.first) + i];
        ReadyInstruction<T>& ready = own.ready[i];
        ready.function = row_functions<T>[size_t(from.op)];
        ready.target = row(view(from.target, k), rows.from);
        ready.size = size_t(from.size);
        for (size_t s = 0; s < most_sources; ++s)
          ready.sources[s] = row(view(from.sources[s], k), rows.from);
      }
      run_ready(own.ready, count, rows.to - rows.from);
    }

    static View<T> row(View<T> rows, size_t r) {
      return {rows.at + ptrdiff_t(r) * rows.stride, rows.stride};
    }

    static void run_ready(ReadyInstruction<T>* ready, size_t count, size_t rows) {
      for (size_t r = 0; r < rows; ++r)
        for (size_t i = 0; i < count; ++i) {
          ReadyInstruction<T>& in = ready[i];
          in.function(in.target.at, in.sources[0].at, in.sources[1].at, in.sources[2].at, in.size);
          in.target.at += in.target.stride;
          for (View<T>& source : in.sources) source.at += source.stride;
        }
    }

    // What the step before will read, which comes from far away and from back to front,
    // where no processor expects it.
    void expect_step(size_t k, Range rows) const {
      if (k == 0) return;
      for (const Buffer& buffer : scan.program_.buffers) {
        if (buffer.kind != Kind::time || buffer.ring || buffer.shift) continue;
        const View<T> from = time_view(buffer, k - 1, 0);
        for (size_t r = rows.from; r < rows.to; ++r)
          for (int64_t i = 0; i < buffer.width; i += int64_t(64 / sizeof(T)))
            __builtin_prefetch(from.at + ptrdiff_t(r) * from.stride + i, 0, 2);
      }
    }

    size_t point_at(size_t filled, const Stage& stage, size_t k, size_t rows) {
      const View<T> source = view(stage.product.source, k);
      const View<T> start = view(stage.product.start, k);
      const View<T> target = view(stage.product.target, k);
      for (size_t r = 0; r < rows; ++r, ++filled) {
        own.sources[filled] = source.at + ptrdiff_t(r) * source.stride;
        own.starts[filled] = start.at + ptrdiff_t(r) * start.stride;
        own.targets[filled] = target.at + ptrdiff_t(r) * target.stride;
      }
      return filled;
    }

    // Columns that are whole panels, so that packed ones can be told apart.
    Range my_columns(const Stage& stage) const {
      return mine(matrix_width(scan.program_.matrices[size_t(stage.product.matrix)]), panel_columns<P>);
    }

    void run_product(const Stage& stage, size_t rows, Range columns) {
      if (columns.from == columns.to) return;
      const Weight& matrix = scan.program_.matrices[size_t(stage.product.matrix)];
      if (!is_packed(scan.program_, scan.e_, size_t(stage.product.matrix)))
        return run_direct(stage, matrix, rows, columns);
      const P* packed = scan.layout_.packed_at + scan.layout_.matrix_offsets[stage.product.matrix];
      const size_t K = matrix_depth(matrix);
      product<P>(rows, narrowed(own.sources, own.narrow_sources, rows, 0, K, own.narrowed),
                 stage.product.start.buffer < 0 ? nullptr : own.starts, own.targets, packed, K,
                 columns.from, columns.to);
    }

    // Columns [from, to) of the rows as P, at the same columns: the rows themselves where P
    // is what they are.
    const P* const* narrowed(const T* const* rows, const P** out, size_t count, size_t from,
                             size_t to, P* memory) const {
      if constexpr (sizeof(P) == sizeof(T)) {
        (void)out, (void)count, (void)from, (void)to, (void)memory;
        return rows;
      } else {
        const size_t width = round_up(to - from, 32);
        for (size_t r = 0; r < count; ++r, memory += width) {
          narrow(rows[r] + from, to - from, memory);
          out[r] = memory - from;
        }
        return out;
      }
    }

    void run_direct(const Stage& stage, const Weight& matrix, size_t rows, Range columns) {
      const Tensor& from = scan.call_.externals[matrix.external];
      const ptrdiff_t stride = ptrdiff_t(from.batch_stride);
      const ptrdiff_t first = ptrdiff_t(columns.from) * (matrix.transposed ? 1 : stride);
      const Plain<T> plain{static_cast<const T*>(from.data) + matrix.begin * stride + first, stride};
      const size_t K = matrix_depth(matrix), N = columns.to - columns.from;
      for (size_t r = 0; r < rows; ++r) {
        const T* start = stage.product.start.buffer < 0 ? nullptr : own.starts[r] + columns.from;
        (matrix.transposed ? product_of_columns<T> : product_of_rows<T>)(
            own.sources[r], plain, K, N, start, own.targets[r] + columns.from);
      }
    }

    void run_step(size_t k, size_t rows) {
      for (const Stage& stage : scan.program_.step) {
        if (!stage.is_product) {
          const Range range = mine(rows, 1);
          if (scan.program_.backward && &stage == scan.program_.step.data) expect_step(k, range);
          run_rows(stage, k, range);
        } else {
          point_at(0, stage, k, rows);
          run_product(stage, rows, my_columns(stage));
        }
        meet();
      }
    }

    // The same stages for all steps of a chunk at once.
    void run_chunk(List<Stage> stages, size_t k1) {
      const Range steps = mine(k1 - k0, 1);
      for (const Stage& stage : stages) {
        size_t filled = 0;
        for (size_t k = k0 + steps.from; k < k0 + steps.to; ++k) {
          const size_t rows = rows_at(k);
          if (stage.is_product)
            filled = point_at(filled, stage, k, rows);
          else
            run_rows(stage, k, {0, rows});
        }
        if (stage.is_product)
          run_product(stage, filled, {0, matrix_width(scan.program_.matrices[size_t(stage.product.matrix)])});
      }
      meet();
    }

    // ---- the two directions

    size_t first_block() const { return scan.e_.together ? 0 : thread; }

    void forward() {
      const Extent& e = scan.e_;
      for (size_t block = first_block(); block < e.blocks; block += e.threads) {
        begin(block);
        for (k0 = 0; k0 < e.steps && rows_at(k0) > 0; k0 += e.chunk) {
          const size_t k1 = smaller(k0 + e.chunk, e.steps);
          run_chunk(scan.program_.before, k1);
          for (size_t k = k0; k < k1; ++k)
            if (const size_t rows = rows_at(k)) run_step(k, rows);
        }
        leave();
      }
    }

    void backward() {
      const Extent& e = scan.e_;
      for (size_t chunk = divide_up(e.steps, e.chunk); chunk-- > 0;) {
        k0 = chunk * e.chunk;
        const size_t k1 = smaller(k0 + e.chunk, e.steps);
        for (size_t block = first_block(); block < e.blocks; block += e.threads) {
          begin(block);
          for (size_t k = k1; k-- > k0;) {
            enter(k);
            if (const size_t rows = rows_at(k)) run_step(k, rows);
          }
          run_chunk(scan.program_.after, k1);
        }
        scan.barrier_.wait(turn, int(e.threads));
        b0 = 0, pitch = 1;
        for (const MatrixSum& sum : scan.program_.matrix_sums) add_matrix(sum, k1);
        for (size_t i = 0; i < scan.program_.vector_sums.size; ++i) add_vector(i, k1);
        scan.barrier_.wait(turn, int(e.threads));
      }
      for (size_t block = first_block(); block < e.blocks; block += e.threads) {
        begin(block);
        leave();
      }
      for (size_t i = 0; i < scan.program_.vector_sums.size; ++i) write_vector(i);
    }

    // Sequences whose last step is k begin their way back with the final gradients.
    void enter(size_t k) {
      const size_t from = k + 1 < scan.e_.steps ? rows_at(k + 1) : 0;
      const size_t to = rows_at(k);
      if (from == to) return;
      for (const Enter& each : scan.program_.enter) {
        const Buffer& buffer = scan.program_.buffers[size_t(each.target)];
        const View<T> source = view(Place{each.source, 0}, k);
        const View<T> target = view(Place{each.target, 0}, k + 1);
        const Range rows = mine(to - from, 1);
        for (size_t r = from + rows.from; r < from + rows.to; ++r)
          copy_row(target, source, r, size_t(buffer.width));
      }
      meet();
    }

    void leave() {
      const Range rows = mine(rows_among(scan.e_.batch), 1);
      for (const Leave& each : scan.program_.leave) {
        const size_t width = size_t(scan.program_.buffers[size_t(each.target)].width);
        const View<T> first = view(Place{each.first, 0}, 0);
        const View<T> target = view(Place{each.target, 0}, 0);
        for (size_t r = rows.from; r < rows.to; ++r) {
          const size_t length = length_of(b0 + r * pitch);
          const size_t last = scan.program_.backward ? 0 : length - 1;
          copy_row(target, length ? view(each.source, last) : first, r, width);
        }
      }
    }

    size_t length_of(size_t b) const {
      return scan.call_.lengths ? size_t(scan.call_.lengths[b]) : scan.e_.steps;
    }

    static void copy_row(View<T> target, View<T> source, size_t r, size_t width) {
      const T* from = source.at + ptrdiff_t(r) * source.stride;
      T* to = target.at + ptrdiff_t(r) * target.stride;
      for (size_t i = 0; i < width; ++i) to[i] = from[i];
    }

    // ---- weight gradients

    size_t gather(const T** pointers, Place place, size_t k1) {
      size_t filled = 0;
      for (size_t k = k0; k < k1; ++k) {
        const View<T> rows = view(place, k);
        for (size_t b = 0; b < scan.layout_.alive[k]; ++b)
          pointers[filled++] = rows.at + ptrdiff_t(b) * rows.stride;
      }
      return filled;
    }

    // Columns [from, to) of `size` that are this thread's.
    void share(size_t size, size_t grain, size_t& from, size_t& to) const {
      const size_t each = round_up(divide_up(size, scan.e_.threads), grain);
      from = smaller(size, thread * each);
      to = smaller(size, from + each);
    }

    void add_matrix(const MatrixSum& sum, size_t k1) {
      size_t from, to;
      share(size_t(sum.end - sum.begin), 6, from, to);
      if (from == to) return;
      const size_t rows = gather(own.sources, sum.d, k1);
      gather(own.starts, sum.v, k1);
      const Tensor& gradient = scan.call_.externals[sum.external];
      T* at = static_cast<T*>(gradient.data) + sum.begin * gradient.batch_stride;
      const size_t columns = size_t(sum.columns);
      P* second = own.narrowed + rows * round_up(to - from, 32);
      accumulate_outer<P>(rows,
                          narrowed(own.sources, own.narrow_sources, rows, from, to, own.narrowed),
                          from, to,
                          narrowed(own.starts, own.narrow_starts, rows, 0, columns, second),
                          columns, at, ptrdiff_t(gradient.batch_stride), own.scratch);
    }

    void add_vector(size_t index, size_t k1) {
      const VectorSum& sum = scan.program_.vector_sums[index];
      size_t from, to;
      share(size_t(sum.size), lanes<T>, from, to);
      if (from == to) return;
      const size_t rows = gather(own.sources, sum.d, k1);
      double* sums = scan.layout_.sums + scan.layout_.sum_offsets[index];
      size_t i = from;
      for (; i + wide * lanes<T> <= to; i += wide * lanes<T>) add_columns<wide>(rows, i, sums);
      for (; i < to; i += lanes<T>) add_columns<1>(rows, i, sums, smaller(to - i, lanes<T>));
    }

    // As many vectors at once as keep a whole stretch of each row in use.
    static constexpr size_t wide = 4;

    template <size_t V>
    LONGSHORT_INLINE void add_columns(size_t rows, size_t i, double* sums, size_t last = lanes<T>) {
      Vec<T> part[V];
      for (size_t v = 0; v < V; ++v) part[v] = zero<T>();
      for (size_t r = 0; r < rows; ++r)
        for (size_t v = 0; v < V; ++v)
          part[v] = part[v] + load_part(own.sources[r] + i + v * lanes<T>, last);
      for (size_t v = 0; v < V; ++v)
        for (size_t lane = 0; lane < last; ++lane)
          sums[i + v * lanes<T> + lane] += double(part[v].raw[lane]);
    }

    void write_vector(size_t index) {
      const VectorSum& sum = scan.program_.vector_sums[index];
      size_t from, to;
      share(size_t(sum.size), lanes<T>, from, to);
      const double* sums = scan.layout_.sums + scan.layout_.sum_offsets[index];
      T* out = external(size_t(sum.external), 0, 0);
      for (size_t i = from; i < to; ++i) out[i] = T(sums[i]);
    }
  };

  // ---- once

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
    for (size_t i = 0; i < program_.vector_sums.size; ++i) {
      double* at = layout_.sums + layout_.sum_offsets[i];
      for (int64_t j = 0; j < program_.vector_sums[i].size; ++j) at[j] = 0;
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
