// Programs and calls that come from outside, checked before any pointer is used.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ctc_call.h"
#include "program.h"

namespace longshort {

// A program with the memory it lies in.
struct OwnedProgram {
  bool backward = false;
  Index externals = 0;
#define LIST(record, name) std::vector<record> name;
#include "record_table.h"

  Program view() const;
};

// Number of a row instruction by its name; none: there is no such instruction.
std::optional<Op> find_op(std::string_view name);

// What is wrong with a program: places outside of buffers, unknown numbers. Empty: nothing.
std::string fault(const OwnedProgram& program);

// What is wrong with a call of a faultless program: tensors too small, lengths out of range.
// numbers_per_double: how many of the call's numbers have the size of a double.
std::string fault(const OwnedProgram& program, const Call& call, std::size_t externals,
                  std::int64_t numbers_per_double);

// What is wrong with matrices, among the tensors of a faultless program, that are to be packed, and
// with the scales of their rows, one tensor of scales for each tensor.
std::string packing_fault(const OwnedProgram& program, bool scaled, std::span<const Tensor> matrices,
                          std::span<const Tensor> scales);

// What is wrong with a call of connectionist temporal classification.
std::string fault(const CtcCall& call);

}  // namespace longshort
