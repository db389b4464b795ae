// Checks the loss of connectionist temporal classification against sums of probabilities in double,
// and its gradient against differences of losses. See kernels_test.cpp for how to compile it alone.
#include "ctc.h"
#include "support.h"

namespace {

using Labels = std::vector<int64_t>;

struct Shape {
  size_t frames, classes, most;
  bool confident;
};

// The probability of all paths, state by state, without logarithms.
template <class T>
double probability(const T* scores, size_t frames, size_t step, size_t classes, const int64_t* labels,
                   size_t count, size_t blank) {
  std::vector<double> before(2 * count + 1, 0), after;
  for (size_t t = 0; t < frames; ++t) {
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) sum += std::exp(double(scores[t * step + c]));
    after.assign(before.size(), 0);
    for (size_t s = 0; s < before.size(); ++s) {
      const size_t c = s % 2 ? size_t(labels[s / 2]) : blank;
      double ways = t == 0 ? (s < 2 ? 1 : 0) : before[s];
      if (t > 0 && s > 0) ways += before[s - 1];
      if (t > 0 && s % 2 && s > 1 && labels[s / 2] != labels[s / 2 - 1]) ways += before[s - 2];
      after[s] = ways * std::exp(double(scores[t * step + c])) / sum;
    }
    before = after;
  }
  return before.back() + (count > 0 ? before[2 * count - 1] : 0);
}

template <class T>
void test_ctc(const Shape& shape, int threads) {
  const size_t batch = 3, n = shape.frames * batch * shape.classes, blank = shape.classes - 1;
  Guarded at_scores(n * sizeof(T)), at_gradient(n * sizeof(T)), at_labels(batch * shape.most * 8);
  T *scores = at_scores.as<T>(), *gradient = at_gradient.as<T>();
  int64_t* labels = at_labels.as<int64_t>();
  fill(scores, n);
  if (shape.confident)
    for (size_t i = 0; i < n; ++i) scores[i] *= T(6);
  std::memset(gradient, 0, n * sizeof(T));
  for (size_t i = 0; i < batch * shape.most; ++i)
    labels[i] = int64_t(random_bits() % (shape.classes - 1));
  const Labels counts{int64_t(shape.most), 0, int64_t(shape.most / 2)};
  const Labels lengths{int64_t(shape.frames), int64_t(shape.frames), int64_t(shape.frames - 1)};
  double losses[3] = {};
  const longshort::CtcCall call{int64_t(shape.frames), int64_t(batch), int64_t(shape.classes),
                                int64_t(shape.most), scores, labels, lengths.data(), counts.data(),
                                int64_t(blank), losses, gradient, threads};
  check(ctc<T>(call), "%s enough memory", name_of<T>());
  const double near = sizeof(T) == 4 ? 3e-6 : 1e-12;
  for (size_t b = 0; b < batch; ++b) {
    const size_t step = batch * shape.classes, count = size_t(counts[b]), frames = size_t(lengths[b]);
    T* own = scores + b * shape.classes;
    const auto loss = [&] {
      return -std::log(probability(own, frames, step, shape.classes, labels + b * shape.most, count,
                                   blank));
    };
    const double wanted = loss();
    check(std::abs(losses[b] - wanted) < near * (1 + wanted), "%s loss (%zu,%zu,%zu): %g, not %g",
          name_of<T>(), shape.frames, shape.classes, shape.most, losses[b], wanted);
    for (size_t i = 0; i < 7; ++i) {
      const size_t at = random_bits() % shape.frames * step + random_bits() % shape.classes;
      const T kept = own[at], offset = T(1) / 1024;
      own[at] = kept + offset;
      const double above = loss();
      own[at] = kept - offset;
      const double slope = (above - loss()) / (2 * double(offset));
      own[at] = kept;
      const double found = double(gradient[size_t(own - scores) + at]);
      check(std::abs(found - slope) < 4e-6, "%s gradient (%zu,%zu,%zu): %g, not %g", name_of<T>(),
            shape.frames, shape.classes, shape.most, found, slope);
    }
  }
}

template <class T>
void test_ctcs() {
  for (const size_t classes : {2, 3, 8, 17, 40})
    for (const size_t most : {1, 3, 8, 16, 19})
      for (const bool confident : {false, true})
        test_ctc<T>({2 * most + 5, classes, most, confident}, confident ? 1 : 2);
}

}  // namespace

int main() {
  test_ctcs<float>();
  test_ctcs<double>();
  return conclude();
}
