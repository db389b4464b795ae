// A call of connectionist temporal classification.
#pragma once

#include <cstdint>

namespace longshort {

// scores, gradient [frames, batch, classes], dense; gradient is null where none is asked for, and
// else becomes that of each sample's loss by the scores. labels [batch, most]; lengths, counts
// [batch]: frames and labels of each sample, the rest is padding. losses [batch] are in nats.
struct CtcCall {
  std::int64_t frames, batch, classes, most;
  const void* scores;
  const std::int64_t* labels;
  const std::int64_t* lengths;
  const std::int64_t* counts;
  std::int64_t blank;
  double* losses;
  void* gradient;
  int threads;
};

}  // namespace longshort
