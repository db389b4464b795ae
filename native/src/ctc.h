// Connectionist temporal classification: the loss of labels without times, and its gradient, by the
// forward-backward algorithm in logarithms (Graves et al., 2006, equations 6 to 16).
//
// A sample's states are its labels with blanks around them. Each frame's variables are relative to
// the largest of the frame before, so that float holds them as exactly in long inputs as in short
// ones; what was taken away is added up in double.
#pragma once

#include <cstdlib>
#include <cstring>

#include "ctc_call.h"
#include "parallel.h"
#include "vmath.h"

namespace longshort::LONGSHORT_ISA {

// The logarithm of 0: without the NaN of -inf - -inf.
template <class T>
inline constexpr T never = T(-1e30);

// Rows of numbers that end at a whole vector.
template <class T>
LONGSHORT_INLINE size_t whole(size_t n) {
  return (n + lanes<T> - 1) / lanes<T> * lanes<T>;
}

template <class T>
LONGSHORT_INLINE T largest_lane(Vec<T> x) {
  T most = x.raw[0];
  for (size_t i = 1; i < lanes<T>; ++i) most = x.raw[i] > most ? x.raw[i] : most;
  return most;
}

template <class T>
LONGSHORT_INLINE T log_of(T x) {
  return log(broadcast(x)).raw[0];
}

// log(e^a + e^b + e^c); of the three powers one is 1.
template <class T>
LONGSHORT_INLINE Vec<T> log_sum(Vec<T> a, Vec<T> b, Vec<T> c) {
  const Vec<T> high = at_least(a, b), low = at_most(a, b);
  const Vec<T> most = at_least(high, c), middle = at_most(high, c);
  const Vec<T> sum = broadcast(T(1)) + (exp(middle - most) + exp(low - most));
  return log_normal(sum, zero<T>()) + most;
}

template <class T>
class CtcSample {
  static constexpr size_t L = lanes<T>;

 public:
  // Numbers that the work on a sample takes.
  static size_t numbers(const CtcCall& call) {
    return rows(call) + whole<T>(size_t(call.classes));
  }

  CtcSample(const CtcCall& call, size_t sample, T* memory)
      : call_(call),
        sample_(sample),
        frames_(size_t(call.lengths[sample])),
        count_(size_t(call.counts[sample])),
        classes_(size_t(call.classes)),
        states_(2 * count_ + 1),
        row_(row(call)),
        labels_(call.labels + sample * size_t(call.most)) {
    emitted_ = memory + L;
    forward_ = emitted_ + row_ * size_t(call.frames);
    backward_ = forward_ + row_ * size_t(call.frames);
    after_ = backward_ + row_;
    skips_ = after_ + row_;
    occupied_ = skips_ + row_;
    shares_ = memory + rows(call);
    for (T* at = memory; at < shares_; ++at) *at = never<T>;
    for (size_t u = 0; u < count_; ++u)
      if (u > 0 && labels_[u] != labels_[u - 1]) skips_[2 * u + 1] = T(0);
  }

  void run() {
    double sum = 0;  // it is not finite where a score is not
    for (size_t t = 0; t < frames_; ++t) sum += double(emit(t));
    double loss = -sum_forward();
    if (!(sum - sum == 0)) loss = __builtin_nan("");
    call_.losses[sample_] = loss;
    if (call_.gradient) sum_backward();
  }

 private:
  // Numbers of a row of states: a vector of `never` on each side, for the states outside.
  static size_t row(const CtcCall& call) { return whole<T>(2 * size_t(call.most) + 1) + 2 * L; }

  // Numbers of all rows: two for each frame, and four more.
  static size_t rows(const CtcCall& call) { return row(call) * (2 * size_t(call.frames) + 4); }

  LONGSHORT_INLINE size_t place(size_t t) const {
    return (t * size_t(call_.batch) + sample_) * classes_;
  }
  LONGSHORT_INLINE T* gradient(size_t t) const { return static_cast<T*>(call_.gradient) + place(t); }

  // Fills a frame's log probabilities of the states, and the softmax into the gradient; returns the
  // logarithm of the sum of all powers.
  T emit(size_t t) {
    const T* scores = static_cast<const T*>(call_.scores) + place(t);
    const size_t n = whole<T>(classes_);
    std::memcpy(shares_, scores, classes_ * sizeof(T));
    for (size_t c = classes_; c < n; ++c) shares_[c] = never<T>;
    Vec<T> most = load(shares_);
    for (size_t c = L; c < n; c += L) most = at_least(most, load(shares_ + c));
    const T peak = largest_lane(most);
    Vec<T> sum = zero<T>();
    for (size_t c = 0; c < n; c += L) {
      const Vec<T> power = exp(load(shares_ + c) - broadcast(peak));
      store(shares_ + c, power);
      sum = sum + power;
    }
    const T total = sum_lanes(sum), norm = peak + log_of(total);
    if (call_.gradient) {
      const Vec<T> inverse = broadcast(T(1) / total);
      for (size_t c = 0; c < n; c += L) store(shares_ + c, load(shares_ + c) * inverse);
      std::memcpy(gradient(t), shares_, classes_ * sizeof(T));
    }
    T* here = emitted_ + t * row_;
    const T blank = at(scores, call_.blank, norm);
    for (size_t u = 0; u < count_; ++u) {
      here[2 * u] = blank;
      here[2 * u + 1] = at(scores, labels_[u], norm);
    }
    here[2 * count_] = blank;
    return norm;
  }

  static T at(const T* scores, int64_t c, T norm) {
    const T found = scores[c] - norm;
    return found > never<T> ? found : never<T>;
  }

  // Fills the forward variables; returns the log probability of all paths.
  double sum_forward() {
    forward_[0] = emitted_[0];
    if (count_ > 0) forward_[1] = emitted_[1];
    double taken = 0;
    for (size_t t = 1; t < frames_; ++t) {
      const T* before = forward_ + (t - 1) * row_;
      const T peak = largest(before);
      taken += double(peak);
      for (size_t s = 0; s < states_; s += L) {
        const Vec<T> skipped = load(before + s - 2) + load(skips_ + s);
        const Vec<T> ways = log_sum(load(before + s), load(before + s - 1), skipped);
        store(forward_ + t * row_ + s, ways + (load(emitted_ + t * row_ + s) - broadcast(peak)));
      }
      cut(forward_ + t * row_);
    }
    const T* end = forward_ + (frames_ - 1) * row_ + states_ - 1;
    const Vec<T> ends = log_sum(broadcast(end[0]), broadcast(count_ > 0 ? end[-1] : never<T>),
                                broadcast(never<T>));
    return taken + double(ends.raw[0]);
  }

  // Goes back over the frames, and takes the states' probabilities from the gradient.
  void sum_backward() {
    T *here = backward_, *after = after_;
    for (size_t t = frames_; t-- > 0;) {
      const T* emitted = emitted_ + t * row_;
      if (t + 1 == frames_) {
        here[states_ - 1] = emitted[states_ - 1];
        if (count_ > 0) here[states_ - 2] = emitted[states_ - 2];
      } else {
        const Vec<T> peak = broadcast(largest(after));
        for (size_t s = 0; s < states_; s += L) {
          const Vec<T> skipping = load(after + s + 2) + load(skips_ + s + 2);
          const Vec<T> ways = log_sum(load(after + s), load(after + s + 1), skipping);
          store(here + s, ways + (load(emitted + s) - peak));
        }
        cut(here);
      }
      take_occupied(t, here);
      T* other = after;
      after = here;
      here = other;
    }
  }

  // That they sum to 1 is seen to: rounding errors are alike in all states of a frame.
  void take_occupied(size_t t, const T* backward) {
    const T *forward = forward_ + t * row_, *emitted = emitted_ + t * row_;
    for (size_t s = 0; s < states_; s += L)
      store(occupied_ + s, (load(forward + s) - load(emitted + s)) + load(backward + s));
    cut(occupied_);
    const Vec<T> peak = broadcast(largest(occupied_));
    Vec<T> sum = zero<T>();
    for (size_t s = 0; s < states_; s += L) {
      const Vec<T> power = exp(load(occupied_ + s) - peak);
      store(occupied_ + s, power);
      sum = sum + power;
    }
    const T inverse = T(1) / sum_lanes(sum);
    T* found = gradient(t);
    T blank = occupied_[2 * count_];
    for (size_t u = 0; u < count_; ++u) {
      blank += occupied_[2 * u];
      found[labels_[u]] -= occupied_[2 * u + 1] * inverse;
    }
    found[call_.blank] -= blank * inverse;
  }

  T largest(const T* row) const {
    Vec<T> most = load(row);
    for (size_t s = L; s < states_; s += L) most = at_least(most, load(row + s));
    return largest_lane(most);
  }

  // The rest of the last vector of a row is of no state.
  void cut(T* row) const {
    for (size_t s = states_; s < whole<T>(states_); ++s) row[s] = never<T>;
  }

  const CtcCall& call_;
  const size_t sample_, frames_, count_, classes_, states_, row_;
  const int64_t* labels_;
  T *emitted_, *forward_, *backward_, *after_, *skips_, *occupied_, *shares_;
};

// False if there is not enough memory.
template <class T>
bool ctc(const CtcCall& call) {
  if (call.batch == 0) return true;
  Team team(int(call.threads < call.batch ? call.threads : call.batch));
  const size_t bytes = (CtcSample<T>::numbers(call) * sizeof(T) + 63) / 64 * 64;
  char* memory = static_cast<char*>(std::aligned_alloc(64, bytes * size_t(team.size())));
  if (!memory) return false;
  struct Context {
    const CtcCall& call;
    char* memory;
    size_t bytes, threads;
  } context{call, memory, bytes, size_t(team.size())};
  team.run(
      [](void* given, int thread) {
        const Context& c = *static_cast<Context*>(given);
        T* own = reinterpret_cast<T*>(c.memory + size_t(thread) * c.bytes);
        for (size_t b = size_t(thread); b < size_t(c.call.batch); b += c.threads)
          CtcSample<T>(c.call, b, own).run();
      },
      &context);
  std::free(memory);
  return true;
}

}  // namespace longshort::LONGSHORT_ISA
