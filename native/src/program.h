// A scan as data: buffers, stages of matrix products and runs of row instructions. The
// same as in longshort/engine/executors/native/program.py, where the meaning of each field is told.
//
// Plain memory without any code of the standard library, since this is read by sources
// that are compiled for other instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace longshort {

template <class T>
struct List {
  const T* data = nullptr;
  std::size_t size = 0;

  __attribute__((always_inline)) const T* begin() const { return data; }
  __attribute__((always_inline)) const T* end() const { return data + size; }
  __attribute__((always_inline)) const T& operator[](std::size_t i) const { return data[i]; }
};

enum class Kind : std::int64_t { row, block, local, shared, time, batch, vector, constant };

struct Place {
  std::int64_t buffer;
  std::int64_t column;
};

struct Buffer {
  Kind kind;
  std::int64_t width;
  std::int64_t external;
  std::int64_t shift;
  std::int64_t ring;
  std::int64_t first;
  std::int64_t origin;
  double value;
};

inline constexpr std::size_t most_sources = 3;

struct Instruction {
  std::int64_t op;
  std::int64_t size;
  Place target;
  Place sources[most_sources];
};

struct Stage {
  bool is_product;
  std::int64_t matrix;
  Place target, source, start;
  std::int64_t first, last;
};

struct Weight {
  std::int64_t external;
  std::int64_t begin, end;
  std::int64_t columns;
  bool transposed;
};

struct MatrixSum {
  std::int64_t external;
  std::int64_t begin, end;
  std::int64_t columns;
  Place d, v;
};

struct VectorSum {
  std::int64_t external;
  std::int64_t size;
  Place d;
};

struct Enter {
  std::int64_t source;
  std::int64_t target;
};

struct Leave {
  Place source;
  std::int64_t first;
  std::int64_t target;
};

struct Program {
  bool backward = false;
  std::int64_t externals = 0;
  List<Buffer> buffers;
  List<Weight> matrices;
  List<Instruction> instructions;
  List<Stage> before, step, after;
  List<MatrixSum> matrix_sums;
  List<VectorSum> vector_sums;
  List<Enter> enter;
  List<Leave> leave;
};

// A tensor that a call is given; strides and size in elements, the last dimension dense.
struct Tensor {
  void* data;
  std::int64_t time_stride;
  std::int64_t batch_stride;
  std::int64_t size;
};

struct Call {
  std::int64_t steps;
  std::int64_t batch;
  const Tensor* externals;
  // Of each sequence, descending; null: all have all steps.
  const std::int64_t* lengths;
  int threads;
};

}  // namespace longshort
