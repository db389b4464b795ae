#include "checked.h"

#include <algorithm>

namespace longshort {
namespace {

// Columns of an operand: none, one, or as many as the instruction has.
enum Width { none, one, row };

struct RowOp {
  std::string_view name;
  Width target;
  Width sources[most_sources];
};

constexpr RowOp row_ops[] = {
#define X(name, target, ...) {#name, target, {__VA_ARGS__}},
#include "row_table.h"
#undef X
};

// With more columns, rows, sequences or steps, sizes that are computed from them could overflow.
constexpr Index most = Index(1) << 26;
constexpr Index most_steps = Index(1) << 40;

template <class T>
List<T> list(const std::vector<T>& from) {
  return {from.data(), from.size()};
}

std::string number(Index value) { return std::to_string(value); }

class ProgramCheck {
 public:
  explicit ProgramCheck(const OwnedProgram& program) : p_(program) {}

  std::string run() {
    Index columns = 0;
    for (const Buffer& b : p_.buffers) {
      buffer(b);
      columns += found_.empty() ? b.width : 0;
      expect(columns <= most, "size");
    }
    for (const Weight& m : p_.matrices) weight(m);
    for (const Instruction& i : p_.instructions) instruction(i);
    for (const auto* stages : {&p_.before, &p_.step, &p_.after})
      for (const Stage& s : *stages) stage(s);
    for (const MatrixSum& s : p_.matrix_sums) {
      expect(in(s.external, p_.externals) && span(s.begin, s.end), "matrix sum");
      if (found_.empty()) gathered(s.d, s.end - s.begin);
      gathered(s.v, s.columns);
    }
    for (const VectorSum& s : p_.vector_sums) {
      expect(in(s.total, p_.externals), "vector sum");
      gathered(s.d, s.size);
    }
    for (const Enter& e : p_.enter) {
      expect(is(e.source, Kind::batch) && is(e.target, Kind::time), "enter");
      if (found_.empty()) readable(Place{e.source, 0}, width(e.target));
      // The step after the last is one of a ring alone.
      if (found_.empty()) expect(p_.buffers[std::size_t(e.target)].ring == 2, "enter");
    }
    for (const Leave& l : p_.leave) {
      expect(is(l.first, Kind::batch) && is(l.target, Kind::batch), "leave");
      if (found_.empty()) readable(l.source, width(l.target));
      if (found_.empty()) expect(is(l.source.buffer, Kind::time), "leave");
      if (found_.empty()) readable(Place{l.first, 0}, width(l.target));
    }
    return found_;
  }

 private:
  static bool in(Index i, Index count) { return 0 <= i && i < count; }
  static bool span(Index begin, Index end) {
    return 0 <= begin && begin < end && end <= most;
  }
  Index width(Index buffer) const { return p_.buffers[std::size_t(buffer)].width; }
  bool is(Index i, Kind kind) const {
    return in(i, Index(p_.buffers.size())) && p_.buffers[std::size_t(i)].kind == kind;
  }

  void expect(bool right, const char* what) {
    if (!right && found_.empty()) found_ = std::string("the program has a wrong ") + what;
  }

  void buffer(const Buffer& b) {
    const bool outside = b.kind == Kind::time || b.kind == Kind::batch || b.kind == Kind::vector;
    expect(b.kind >= Kind::row && b.kind <= Kind::constant && span(0, b.width), "buffer");
    expect(outside == (b.external >= 0) && b.external < p_.externals, "outside buffer");
    expect(b.ring == 0 || b.ring == 2, "ring");
    expect(-1 <= b.shift && b.shift <= 1 && in(b.origin, most), "shift");
    if (b.kind == Kind::time && b.shift < 0)
      expect(is(b.first, Kind::batch) && width(b.first) >= b.width, "first buffer");
    if (b.kind == Kind::time && b.shift > 0) expect(b.ring == 2, "shift without a ring");
  }

  void weight(const Weight& m) {
    expect(in(m.external, p_.externals) && span(m.begin, m.end) && span(0, m.columns), "matrix");
  }

  void readable(Place place, Index size) {
    const bool known = in(place.buffer, Index(p_.buffers.size()));
    expect(known && place.column >= 0 && size > 0 && size <= width(place.buffer) &&
               place.column <= width(place.buffer) - size,
           "place");
  }

  // Rows of all sequences for each step of a chunk, which a sum can gather.
  void gathered(Place place, Index size) {
    readable(place, size);
    if (!found_.empty()) return;
    const Kind kind = p_.buffers[std::size_t(place.buffer)].kind;
    expect(kind != Kind::row && kind != Kind::block && kind != Kind::local, "sum");
  }

  void writable(Place place, Index size) {
    readable(place, size);
    if (!found_.empty()) return;
    const Kind kind = p_.buffers[std::size_t(place.buffer)].kind;
    expect(kind != Kind::constant && kind != Kind::vector && kind != Kind::batch, "target");
  }

  void instruction(const Instruction& i) {
    expect(in(Index(i.op), Index(std::size(row_ops))), "row instruction");
    if (!found_.empty()) return;
    const RowOp& op = row_ops[Index(i.op)];
    writable(i.target, op.target == one ? 1 : i.size);
    for (std::size_t s = 0; s < most_sources; ++s) {
      if (op.sources[s] == none)
        expect(i.sources[s].buffer < 0, "source");
      else
        readable(i.sources[s], op.sources[s] == one ? 1 : i.size);
    }
  }

  void stage(const Stage& s) {
    if (s.is_product)
      product(s.product);
    else
      expect(0 <= s.run.first && s.run.first <= s.run.last &&
                 s.run.last <= Index(p_.instructions.size()),
             "run of instructions");
  }

  void product(const Product& p) {
    expect(in(p.matrix, Index(p_.matrices.size())), "product");
    if (!found_.empty()) return;
    const Weight& m = p_.matrices[std::size_t(p.matrix)];
    const Index rows = m.end - m.begin;
    readable(p.source, m.transposed ? rows : m.columns);
    writable(p.target, m.transposed ? m.columns : rows);
    if (p.start.buffer >= 0) readable(p.start, m.transposed ? m.columns : rows);
  }

  const OwnedProgram& p_;
  std::string found_;
};

bool fits(const Tensor& t, Index times, Index batch, Index width) {
  Index time, row, reach;
  return t.data && t.time_stride >= 0 && t.batch_stride >= 0 &&
         !__builtin_mul_overflow(times - 1, t.time_stride, &time) &&
         !__builtin_mul_overflow(batch - 1, t.batch_stride, &row) &&
         !__builtin_add_overflow(time, row, &reach) &&
         !__builtin_add_overflow(reach, width, &reach) && reach <= t.size;
}

std::string small(Index external) {
  return "tensor " + number(external) + " of the call is smaller than the program needs";
}

std::string matrix_fault(const OwnedProgram& program, const Tensor* externals) {
  for (const Weight& m : program.matrices)
    if (!fits(externals[m.external], 1, m.end, m.columns)) return small(m.external);
  return {};
}

std::string count_fault(const OwnedProgram& program, std::size_t externals) {
  if (externals == std::size_t(program.externals)) return {};
  return "the program takes " + number(program.externals) + " tensors, got " +
         number(Index(externals));
}

std::string tensor_fault(const OwnedProgram& program, const Call& call, Index numbers_per_double) {
  for (const Buffer& b : program.buffers) {
    if (b.external < 0) continue;
    const Tensor& t = call.externals[b.external];
    const Index times = b.kind != Kind::time ? 1 : b.ring ? b.ring : call.steps;
    const Index batch = b.kind == Kind::vector ? 1 : call.batch;
    if (!fits(t, times, batch, b.origin + b.width)) return small(b.external);
  }
  if (!call.panels)
    if (const std::string wrong = matrix_fault(program, call.externals); !wrong.empty())
      return wrong;
  for (const MatrixSum& s : program.matrix_sums)
    if (!fits(call.externals[s.external], 1, s.end, s.columns)) return small(s.external);
  for (const VectorSum& s : program.vector_sums)
    if (!fits(call.externals[s.total], 1, 1, s.size * numbers_per_double)) return small(s.total);
  return {};
}

}  // namespace

Program OwnedProgram::view() const {
  Program program;
  program.backward = backward;
  program.externals = externals;
#define LIST(record, name) program.name = list(name);
#include "record_table.h"
  return program;
}

std::optional<Op> find_op(std::string_view name) {
  const auto* found = std::ranges::find(row_ops, name, &RowOp::name);
  if (found == std::end(row_ops)) return std::nullopt;
  return Op(found - std::begin(row_ops));
}

std::string fault(const OwnedProgram& program) { return ProgramCheck(program).run(); }

std::string fault(const OwnedProgram& program, const Call& call, std::size_t externals,
                  std::int64_t numbers_per_double) {
  if (call.steps < 0 || call.batch < 0) return "the number of steps or sequences is negative";
  if (call.steps > most_steps || call.batch > most) return "there are too many steps or sequences";
  if (call.threads < 1) return "there has to be a thread";
  if (const std::string wrong = count_fault(program, externals); !wrong.empty()) return wrong;
  if (call.steps == 0 || call.batch == 0) return {};
  if (call.lengths)
    for (Index b = 0; b < call.batch; ++b) {
      const bool sorted = b == 0 || call.lengths[b] <= call.lengths[b - 1];
      if (!sorted || call.lengths[b] < 0 || call.lengths[b] > call.steps)
        return "the lengths must lie between 0 and the number of steps, in descending order";
    }
  return tensor_fault(program, call, numbers_per_double);
}

std::string packing_fault(const OwnedProgram& program, bool scaled, std::span<const Tensor> matrices,
                          std::span<const Tensor> scales) {
  if (program.backward) return "weights are packed for inference, this program is a backward pass";
  if (const std::string wrong = count_fault(program, matrices.size()); !wrong.empty()) return wrong;
  if (const std::string wrong = matrix_fault(program, matrices.data()); !wrong.empty()) return wrong;
  if (scaled && scales.size() != matrices.size()) return "there have to be scales for every tensor";
  for (const Weight& m : program.matrices) {
    if (m.transposed) return "a transposed matrix cannot be packed for many calls";
    if (scaled && !fits(scales[std::size_t(m.external)], 1, 1, m.end))
      return "there are too few scales for the rows of tensor " + number(m.external);
  }
  return {};
}

std::string fault(const CtcCall& call) {
  if (call.frames < 0 || call.batch < 0 || call.classes < 0 || call.most < 0)
    return "a number of frames, samples, classes or labels is negative";
  if (call.frames > most_steps || call.batch > most || call.classes > most || call.most > most_steps)
    return "there are too many frames, samples, classes or labels";
  if (call.threads < 1) return "there has to be a thread";
  if (call.blank < 0 || call.blank >= call.classes) return "the blank has to be one of the classes";
  for (Index b = 0; b < call.batch; ++b) {
    if (call.lengths[b] < 1 || call.lengths[b] > call.frames)
      return "the lengths must lie between 1 and the number of frames";
    if (call.counts[b] < 0 || call.counts[b] > call.most)
      return "the numbers of labels must lie between 0 and the labels that there are";
    for (Index u = 0; u < call.counts[b]; ++u)
      if (const Index label = call.labels[b * call.most + u]; label < 0 || label >= call.classes)
        return "the labels have to be classes";
  }
  return {};
}

}  // namespace longshort
