// A scan as data: buffers, stages of matrix products and runs of row instructions, as
// longshort/engine/executors/native/program.py describes them.
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

using Index = std::int64_t;

// A backward pass goes through so many rows of steps before it adds their part of the weight
// gradients.
inline constexpr std::size_t gradient_rows = 256;

#define KINDS(X) X(row) X(block) X(local) X(shared) X(time) X(batch) X(vector) X(constant)
#define X(name) name,
enum class Kind { KINDS(X) };
#undef X
#define X(name) #name,
inline constexpr const char* kind_names[] = {KINDS(X)};
#undef X
#undef KINDS

// The number of a row instruction in row_table.h.
enum class Op : Index {};

inline constexpr std::size_t most_sources = 3;

template <class Place>
struct Sources {
  Place of[most_sources];

  __attribute__((always_inline)) const Place& operator[](std::size_t i) const { return of[i]; }
};

#define RECORD(name, ...) \
  struct name {           \
    __VA_ARGS__           \
  };
#define FIELD(type, name) type name;
#include "record_table.h"

// A product or a run of row instructions.
struct Stage {
  bool is_product;
  Product product;
  Run run;
};

struct Program {
  bool backward = false;
  Index externals = 0;
#define LIST(record, name) List<record> name;
#include "record_table.h"
};

// A tensor that a call is given; strides and size in elements, the last dimension dense. Elements
// are the call's numbers, but doubles for the totals of vector sums, whose size is that of as many numbers.
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
  // Steps of each sequence, descending; null: all have all steps.
  const std::int64_t* lengths;
  int threads;
};

}  // namespace longshort
