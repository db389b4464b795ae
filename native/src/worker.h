// One thread of a scan: what all threads share, what is its own, and where it stands.
//
// Owners: `Scan` (scan.h) owns the barrier; `run` (scan.h) owns the memory that `layout` divides
// up; the caller owns the program and the call's tensors. A worker only points there.
#pragma once

#include "layout.h"
#include "parallel.h"

namespace longshort::LONGSHORT_ISA {

// From and to of some rows, columns or steps.
struct Range {
  size_t from, to;
};

template <class T, class P>
struct Worker {
  const Program& program;
  const Call& call;
  const Extent& extent;
  const Layout<T, P>& layout;
  Barrier& barrier;

  Own<T, P>& own;
  size_t thread;
  Barrier::Turn turn;

  // The block of sequences that is worked on: its first sequence, and from one to the next.
  size_t b0 = 0;
  size_t pitch = 1;
  // The first step of the chunk that is worked on.
  size_t k0 = 0;

  // All threads of the scan have come.
  void meet_all() { barrier.wait(turn, int(extent.threads)); }

  // The same where all threads work on one block; nothing where each has its own.
  void meet() {
    if (extent.together) meet_all();
  }

  // This thread's part of `count`, in multiples of `grain`.
  Range share(size_t count, size_t grain) const {
    const size_t each = round_up(divide_up(count, extent.threads), grain);
    const size_t from = smaller(count, thread * each);
    return {from, smaller(count, from + each)};
  }

  // The same where all threads work on one block, else everything.
  Range mine(size_t count, size_t grain) const {
    return extent.together ? share(count, grain) : Range{0, count};
  }

  size_t first_block() const { return extent.together ? 0 : thread; }

  void begin(size_t block) {
    pitch = extent.pitch;
    b0 = pitch > 1 ? block : block * extent.block;
  }

  // Every sequence of the batch, as the sums over them need it.
  void begin_all() { b0 = 0, pitch = 1; }

  // How many of the first `sequences` of the batch are in this block.
  size_t rows_among(size_t sequences) const {
    return sequences > b0 ? smaller(extent.block, divide_up(sequences - b0, pitch)) : 0;
  }

  // Rows of the block whose sequences have not ended at step k.
  size_t rows_at(size_t k) const { return rows_among(layout.alive[k]); }
};

}  // namespace longshort::LONGSHORT_ISA
