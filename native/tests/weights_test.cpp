// Checks products with weights that are not packed, and with weights that are stored in fewer bits: the
// order of their sums, and what they leave untouched. See kernels_test.cpp for how to compile it alone.
#include "direct.h"
#include "support.h"

namespace {

// ---- without packing

// Sums are added up in the order of packed products, for any number of rows and range of columns.
template <class T>
void test_direct(size_t m, size_t K, size_t N, bool across) {
  using S = Sum<T>;
  Packed<T> b(K, N);
  // Up to the very end of the matrix.
  Guarded memory(K * N * sizeof(S));
  S* w = memory.template as<S>();
  for (size_t k = 0; k < K; ++k)
    for (size_t n = 0; n < N; ++n) w[across ? k * N + n : n * K + k] = b.w[n * K + k];
  const Plain<T> plain{w, ptrdiff_t(across ? N : K), across};
  Scattered<T> a(m, K);
  Scattered<S> init(m, N), wanted(m, N), out(m, N);
  const size_t cut = N / 2 / panel_columns<T> * panel_columns<T>;
  for (const S* const* from : {init.data(), (const S* const*)nullptr}) {
    product<T>(m, a.data(), from, wanted.rows.data(), b.at, K, 0, N);
    direct_product<T>(m, a.data(), from, out.rows.data(), plain, K, 0, cut);
    direct_product<T>(m, a.data(), from, out.rows.data(), plain, K, cut, N);
    for (size_t r = 0; r < m; ++r)
      check(std::memcmp(out.rows[r], wanted.rows[r], N * sizeof(S)) == 0,
            "%s direct product (%zu,%zu,%zu) row %zu%s%s", name_of<T>(), m, K, N, r,
            across ? " across" : "", from ? "" : " without init");
  }
}

template <class T>
void test_directs() {
  for (size_t m : {1, 2, 3, 6, 7, 12})
    for (size_t K : {1, 2, 3, 7, 16, 31, 64, 129})
      for (size_t N : {1, 3, 8, 17, 64, 100, 136})
        for (bool across : {false, true}) test_direct<T>(m, K, N, across);
}

// ---- stored in fewer bits

template <class T>
struct Stored {
  Stored(size_t K, size_t N) : w(K * N), scales(N), memory(packed_size<T>(K, N) * sizeof(T)) {
    fill(w.data(), w.size());
    for (float& scale : scales) scale = 0.01f * (2 + random_value<float>());
    at = memory.template as<T>();
    std::memset(at, 0xff, packed_size<T>(K, N) * sizeof(T));
    pack_stored(w.data(), ptrdiff_t(K), K, N, scales.data(), at);
  }
  std::vector<float> w, scales;
  Guarded memory;
  T* at;
};

// The bits of a product with the same weights in float.
void test_bf16_weights(size_t m, size_t K, size_t N) {
  Stored<StoredBf16> b(K, N);
  for (float& x : b.w) x = widen(narrow(x));
  Guarded memory(packed_size<float>(K, N) * sizeof(float));
  float* packed = memory.as<float>();
  pack<float>(b.w.data(), ptrdiff_t(K), false, K, N, packed);
  Scattered<float> a(m, K), init(m, N), wanted(m, N), out(m, N);
  for (const float* const* from : {init.data(), (const float* const*)nullptr}) {
    product<float>(m, a.data(), from, wanted.rows.data(), packed, K, 0, N);
    product<StoredBf16>(m, a.data(), from, out.rows.data(), b.at, K, 0, N);
    for (size_t r = 0; r < m; ++r)
      check(std::memcmp(out.rows[r], wanted.rows[r], N * sizeof(float)) == 0,
            "product of bf16 weights (%zu,%zu,%zu) row %zu", m, K, N, r);
  }
}

void test_int8_weights(size_t m, size_t K, size_t N) {
  Stored<StoredInt8> b(K, N);
  Scattered<float> a(m, K), init(m, N), out(m, N), none(m, N), alone(1, N);
  product<StoredInt8>(m, a.data(), init.data(), out.rows.data(), b.at, K, 0, N);
  product<StoredInt8>(m, a.data(), nullptr, none.rows.data(), b.at, K, 0, N);
  for (size_t r = 0; r < m; ++r) {
    const float* row[] = {a.rows[r]};
    product<StoredInt8>(1, row, init.data() + r, alone.rows.data(), b.at, K, 0, N);
    check(std::memcmp(out.rows[r], alone.rows[0], N * sizeof(float)) == 0,
          "product of int8 weights (%zu,%zu,%zu) row %zu depends on m", m, K, N, r);
    for (size_t n = 0; n < N; ++n) {
      double sum = 0, size = 0;
      for (size_t k = 0; k < K; ++k) {
        const double term = double(a.rows[r][k]) * whole(b.w[n * K + k], b.scales[n]).value;
        sum += term, size += std::fabs(term);
      }
      sum *= b.scales[n], size *= b.scales[n];
      const double from = double(init.rows[r][n]), bound = tolerance<float>(K);
      check(std::fabs(double(none.rows[r][n]) - sum) <= bound * size,
            "product of int8 weights (%zu,%zu,%zu) at %zu,%zu without init", m, K, N, r, n);
      check(std::fabs(double(out.rows[r][n]) - from - sum) <= bound * (size + std::fabs(from)),
            "product of int8 weights (%zu,%zu,%zu) at %zu,%zu", m, K, N, r, n);
    }
  }
}

// Every number, in every lane.
void test_widened() {
  constexpr size_t L = lanes<float>;
  for (int first = -128; first < 128; ++first) {
    Guarded memory(L);
    StoredInt8* numbers = memory.as<StoredInt8>();
    for (size_t i = 0; i < L; ++i) numbers[i] = {int8_t(first + int(i))};
    float lane[L];
    store(lane, widened(numbers));
    for (size_t i = 0; i < L; ++i)
      check(lane[i] == float(numbers[i].value), "widened %d lane %zu", first, i);
  }
}

void test_whole() {
  const float nan = std::nanf("");
  struct {
    float x, scale;
    int wanted;
  } cases[] = {{0, 1, 0},    {2.5f, 1, 2},   {3.5f, 1, 4},     {-2.5f, 1, -2}, {1e9f, 1, 127},
               {-1e9f, 1, -127}, {1, 0, 0}, {-127 * .5f, .5f, -127}, {nan, 1, -127}};
  for (const auto& c : cases)
    check(whole(c.x, c.scale).value == c.wanted, "whole %g %g", double(c.x), double(c.scale));
}

}  // namespace

int main() {
  test_directs<float>();
  test_directs<double>();
  test_directs<bf16>();
  for (size_t m : {1, 2, 3, 4, 5, 6, 7, 13})
    for (size_t K : {1, 2, 3, 8, 65})
      for (size_t N : {1, 3, 8, 17, 64, 65, 136, 300}) {
        test_bf16_weights(m, K, N);
        test_int8_weights(m, K, N);
      }
  test_widened();
  test_whole();
  return conclude();
}
