// Programs and calls that come from outside, checked before any pointer is used.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "program.h"

namespace longshort {

// A program with the memory it lies in. Row instructions are given by their number.
struct OwnedProgram {
  bool backward = false;
  std::int64_t externals = 0;
  std::vector<Buffer> buffers;
  std::vector<Weight> matrices;
  std::vector<Instruction> instructions;
  std::vector<Stage> before, step, after;
  std::vector<MatrixSum> matrix_sums;
  std::vector<VectorSum> vector_sums;
  std::vector<Enter> enter;
  std::vector<Leave> leave;

  Program view() const;
};

// Number of a row instruction, or -1.
std::int64_t row_op(std::string_view name);

// What is wrong with a program: places outside of buffers, unknown numbers. Empty: nothing.
std::string fault(const OwnedProgram& program);

// What is wrong with a call of a faultless program: tensors too small, lengths out of range.
std::string fault(const OwnedProgram& program, const Call& call, std::size_t externals);

}  // namespace longshort
