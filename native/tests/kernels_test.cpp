// Checks the kernels of one instruction set. For each of them:
//
//   F="-std=c++20 -O3 -ffp-contract=fast -fno-math-errno -Inative/src native/tests/kernels_test.cpp"
//   g++ $F -DLONGSHORT_ISA=avx512     -march=x86-64-v4                -o test_avx512
//   g++ $F -DLONGSHORT_ISA=avx512bf16 -march=x86-64-v4 -mavx512bf16   -o test_avx512bf16
//   g++ $F -DLONGSHORT_ISA=avx2       -march=x86-64-v3                -o test_avx2
//   g++ $F -DLONGSHORT_ISA=generic                                    -o test_generic
//   aarch64-linux-gnu-g++ $F -DLONGSHORT_ISA=neon -static             -o test_neon
#include <limits>

#include "outer.h"
#include "support.h"
#include "vmath.h"

namespace {

// ---- vectors

template <class T>
void test_partial_access() {
  constexpr size_t L = lanes<T>;
  for (size_t n = 0; n <= L; ++n) {
    Guarded memory(n * sizeof(T) + (n == 0));
    T* p = memory.template as<T>();
    if (n == 0) p = memory.template as<T>() + 1;
    for (size_t i = 0; i < n; ++i) p[i] = T(i + 1);
    T lane[L];
    store(lane, load_n(p, n));
    for (size_t i = 0; i < L; ++i)
      check(lane[i] == (i < n ? T(i + 1) : T(0)), "%s load_n %zu lane %zu", name_of<T>(), n, i);
    store_n(p, broadcast(T(9)), n);
    for (size_t i = 0; i < n; ++i) check(p[i] == T(9), "%s store_n %zu lane %zu", name_of<T>(), n, i);
    T wide[L + 2];
    for (T& x : wide) x = T(5);
    store_n(wide + 1, broadcast(T(9)), n);
    check(wide[0] == T(5), "%s store_n %zu wrote before", name_of<T>(), n);
    for (size_t i = n + 1; i < L + 2; ++i)
      check(wide[i] == T(5), "%s store_n %zu wrote past the end", name_of<T>(), n);
  }
}

template <class T>
T first_lane(Vec<T> x) {
  T lane[lanes<T>];
  store(lane, x);
  return lane[0];
}

template <class T>
void test_basics() {
  const T infinite = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T tiny = std::numeric_limits<T>::denorm_min();
  const T values[] = {T(0), T(-0.0), T(0.5), T(-0.5), T(1.5), T(-1.5), T(2.5), T(-2.5), T(0.3),
                      T(-0.7), T(3), T(-3), T(8388607.5), T(-8388609), T(1e30), T(-1e30),
                      infinite, -infinite, nan, tiny, -tiny};
  for (T x : values) {
    const Vec<T> v = broadcast(x);
    const double shown = double(x);
    const auto same = [](T a, T b) { return same_bits(a, b) || (std::isnan(a) && std::isnan(b)); };
    check(same(first_lane(v), x), "broadcast %g", shown);
    check(same(first_lane(round(v)), std::nearbyint(x)), "round %g", shown);
    check(same(first_lane(floor(v)), std::floor(x)), "floor %g: %g", shown, double(first_lane(floor(v))));
    check(same(first_lane(abs(v)), std::fabs(x)), "abs %g", shown);
    if (!(x < 0)) check(same(first_lane(sqrt(v)), std::sqrt(x)), "sqrt %g", shown);
    for (T y : values) {
      const Vec<T> w = broadcast(y);
      const bool either = std::isnan(x) || std::isnan(y);
      const T low = first_lane(min(v, w)), high = first_lane(max(v, w));
      check(either ? std::isnan(low) : low == (y < x ? y : x), "min %g %g", shown, double(y));
      check(either ? std::isnan(high) : high == (y > x ? y : x), "max %g %g", shown, double(y));
      check(first_lane(select(less(v, w), broadcast(T(1)), broadcast(T(2)))) == (x < y ? 1 : 2),
            "less %g %g", shown, double(y));
      check(first_lane(select(less_equal(v, w), broadcast(T(1)), broadcast(T(2)))) ==
                (x <= y ? 1 : 2),
            "less_equal %g %g", shown, double(y));
      check(first_lane(select(equal(v, w), broadcast(T(1)), broadcast(T(2)))) == (x == y ? 1 : 2),
            "equal %g %g", shown, double(y));
    }
  }
}

// ---- functions

long double sigmoid_of(long double x) { return 1 / (1 + std::exp(-x)); }
long double softplus_of(long double x) {
  return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
}

// Relative error, and in the subnormal range that of one unit there.
template <class T, class F, class R>
void test_range(const char* name, F f, R exact, double from, double to, size_t count, double bound) {
  constexpr size_t L = lanes<T>;
  const long double smallest = std::numeric_limits<T>::min();
  double worst = 0, where = 0;
  bool good = true;
  for (size_t i = 0; i < count; i += L) {
    T x[L], y[L];
    for (size_t j = 0; j < L; ++j) x[j] = T(from + (to - from) * double(i + j) / double(count));
    store(y, f(load(x)));
    for (size_t j = 0; j < L; ++j) {
      const long double want = exact(static_cast<long double>(x[j]));
      if (std::fabs(want) < smallest) {
        good = good && std::fabs(y[j]) <= 2 * smallest;
        continue;
      }
      const double error = double(std::fabs((static_cast<long double>(y[j]) - want) / want));
      if (!(error <= worst)) worst = error, where = double(x[j]);
    }
  }
  checks += long(count) - 1;
  check(good && worst <= bound, "%s %s: error %.3g at %.17g", name_of<T>(), name, worst, where);
  if (to - from > 5)
    std::printf("  %-6s %-8s [%g, %g] worst relative error %.3g at %g\n", name_of<T>(), name, from,
                to, worst, where);
}

template <class T, class F, class R>
void test_function(const char* name, F f, R exact, double from, double to, double bound) {
  test_range<T>(name, f, exact, from, to, 400000, bound);
  const double low = from < -2 ? -2 : from;
  test_range<T>(name, f, exact, low, 2, 400000, bound);
  const double small = from < -1e-3 ? -1e-3 : from;
  test_range<T>(name, f, exact, small, 1e-3, 100000, bound);
  test_range<T>(name, f, exact, small * 1e-4, 1e-7, 100000, bound);
}

template <class T>
void test_values(const char* name, Vec<T> (*f)(Vec<T>), std::initializer_list<T> pairs) {
  for (const T* p = pairs.begin(); p != pairs.end(); p += 2) {
    const T y = first_lane(f(broadcast(p[0])));
    check(same_bits(y, p[1]), "%s %s(%g) = %g, not %g", name_of<T>(), name, double(p[0]),
          double(y), double(p[1]));
  }
  const T nan = std::numeric_limits<T>::quiet_NaN();
  check(std::isnan(first_lane(f(broadcast(nan)))), "%s %s(nan)", name_of<T>(), name);
  check(std::isnan(first_lane(f(broadcast(-nan)))), "%s %s(-nan)", name_of<T>(), name);
}

template <class T>
void test_functions() {
  const bool single = sizeof(T) == 4;
  const double bound = single ? 2.4e-7 : 5e-16;
  const double low = single ? -87 : -708, high = single ? 88.5 : 709.5;
  using std::fabs;
  test_function<T>("exp", [](Vec<T> x) { return exp(x); },
                   [](long double x) { return std::exp(x); }, low, high, bound);
  test_function<T>("tanh", [](Vec<T> x) { return tanh(x); },
                   [](long double x) { return std::tanh(x); }, -30, 30, bound);
  test_function<T>("sigmoid", [](Vec<T> x) { return sigmoid(x); }, sigmoid_of, low, 60, bound);
  test_function<T>("softplus", [](Vec<T> x) { return softplus(x); }, softplus_of, low, 100, bound);
  test_function<T>("log", [](Vec<T> x) { return log(x); },
                   [](long double x) { return std::log(x); }, 1e-30, 1e30, bound);
  test_function<T>("log1p", [](Vec<T> x) { return log1p(x); },
                   [](long double x) { return std::log1p(x); }, -0.9999, 1e6, bound);
}

template <class T>
void test_edges() {
  const T infinite = std::numeric_limits<T>::infinity();
  const T most = std::numeric_limits<T>::max();
  const T tiny = std::numeric_limits<T>::denorm_min();
  const T small = std::numeric_limits<T>::min();
  const T zero = 0, minus = T(-0.0), one = 1;
  test_values<T>("exp", exp, {zero, one, minus, one, infinite, infinite, -infinite, zero, most,
                              infinite, -most, zero, tiny, one});
  test_values<T>("tanh", tanh, {zero, zero, minus, minus, infinite, one, -infinite, -one, most, one,
                                -most, -one, T(25), one, T(-25), -one, tiny, tiny, -tiny, -tiny,
                                small, small, -small, -small});
  test_values<T>("sigmoid", sigmoid, {zero, T(0.5), minus, T(0.5), infinite, one, -infinite, zero,
                                      most, one, -most, zero, T(50), one});
  test_values<T>("softplus", softplus, {infinite, infinite, -infinite, zero, most, most, -most,
                                        zero, T(200), T(200)});
  test_values<T>("log", log, {one, zero, zero, -infinite, minus, -infinite, infinite, infinite});
  test_values<T>("log1p", log1p, {zero, zero, minus, minus, -one, -infinite, infinite, infinite,
                                  tiny, tiny, -tiny, -tiny});
  for (T x : {T(-1), -tiny, -infinite})
    check(std::isnan(first_lane(log(broadcast(x)))), "log(%g)", double(x));
  for (T x : {T(-1.5), -most, -infinite})
    check(std::isnan(first_lane(log1p(broadcast(x)))), "log1p(%g)", double(x));
  for (T x : {tiny, small, T(small / 3), T(tiny * 1000), most}) {
    const double want = double(std::log(static_cast<long double>(x)));
    const double got = double(first_lane(log(broadcast(x))));
    check(std::fabs(got - want) <= 2e-7 * std::fabs(want), "log(%g) = %g", double(x), got);
  }
  const T lowest = first_lane(exp(broadcast(T(std::log(static_cast<long double>(small)) - 5))));
  const double ratio = double(lowest / small) / std::exp(-5.0);
  check(std::fabs(ratio - 1) < 1e-4, "exp into the subnormals %g", ratio);
  for (double x = -30; x <= 30; x += 0.0007) {
    const T y = first_lane(tanh(broadcast(T(x))));
    check(std::fabs(y) <= 1, "tanh(%g) beyond 1", x);
    check(same_bits(-y, first_lane(tanh(broadcast(T(-x))))), "tanh(%g) not odd", x);
  }
}

// ---- bf16

void test_bf16() {
  for (uint32_t i = 0; i < 0x10000; ++i) {
    const bf16 x = bf16(i);
    const float wide = widen(x);
    check(std::isnan(wide) ? std::isnan(widen(narrow(wide))) : narrow(wide) == x, "bf16 %x", i);
    if (std::isnan(wide) || std::isinf(wide)) continue;
    const float next = widen(bf16(i + 1));
    if (std::isnan(next) || std::isinf(next)) continue;
    const float half = wide + (next - wide) / 2;
    check(narrow(half) == (i & 1 ? bf16(i + 1) : x), "bf16 half above %x", i);
    check(narrow(std::nextafter(half, wide)) == x, "bf16 below half %x", i);
    check(narrow(std::nextafter(half, next)) == bf16(i + 1), "bf16 above half %x", i);
  }
  check(std::isnan(widen(narrow(__builtin_bit_cast(float, 0x7f800001u)))), "bf16 of a NaN");
  check(std::isinf(widen(narrow(std::numeric_limits<float>::max()))), "bf16 overflow");
  std::vector<float> wide(77), back(77);
  std::vector<bf16> thin(77);
  for (float& x : wide) x = random_value<float>();
  narrow(wide.data(), wide.size(), thin.data());
  widen(thin.data(), thin.size(), back.data());
  for (size_t i = 0; i < wide.size(); ++i)
    check(same_bits(back[i], widen(narrow(wide[i]))), "bf16 row %zu", i);
}

// ---- products

template <class T>
double value(T x) {
  return double(x);
}
template <>
double value<bf16>(bf16 x) {
  return double(widen(x));
}

template <class T>
void test_product(size_t m, size_t K, size_t N) {
  using S = Sum<T>;
  Packed<T> b(K, N);
  Scattered<T> a(m, K);
  Scattered<S> init(m, N), out(m, N);
  product<T>(m, a.data(), init.data(), out.rows.data(), b.at, K, 0, N);
  Scattered<S> again(m, N);
  for (size_t r = 0; r < m; ++r) {
    const T* row[] = {a.rows[r]};
    std::memcpy(again.rows[r], init.rows[r], N * sizeof(S));
    product<T>(1, row, again.data() + r, again.rows.data() + r, b.at, K, 0, N);
    for (size_t n = 0; n < N; ++n) {
      double want = double(init.rows[r][n]), size = std::fabs(want);
      for (size_t k = 0; k < K; ++k) {
        T rounded;
        convert(b.w[n * K + k], rounded);
        const double term = value(a.rows[r][k]) * value(rounded);
        want += term, size += std::fabs(term);
      }
      const double got = double(out.rows[r][n]);
      check(std::fabs(got - want) <= tolerance<T>(K) * size, "%s product (%zu,%zu,%zu) at %zu,%zu: %g, not %g",
            name_of<T>(), m, K, N, r, n, got, want);
      check(same_bits(out.rows[r][n], again.rows[r][n]), "%s product (%zu,%zu,%zu) at %zu,%zu depends on m",
            name_of<T>(), m, K, N, r, n);
    }
  }
}

// A shared bias row, no init at all, a range of panels, and the other strides.
template <class T>
void test_product_variants(size_t m, size_t K, size_t N) {
  using S = Sum<T>;
  Packed<T> b(K, N);
  Scattered<T> a(m, K);
  Scattered<S> bias(1, N), out(m, N), other(m, N);
  std::vector<const S*> shared(m, bias.rows[0]);
  const size_t cut = N / 2 / panel_columns<T> * panel_columns<T>;
  product<T>(m, a.data(), shared.data(), out.rows.data(), b.at, K, 0, N);
  product<T>(m, a.data(), shared.data(), other.rows.data(), b.at, K, 0, cut);
  product<T>(m, a.data(), shared.data(), other.rows.data(), b.at, K, cut, N);
  for (size_t r = 0; r < m; ++r)
    check(std::memcmp(out.rows[r], other.rows[r], N * sizeof(S)) == 0, "%s product of parts (%zu,%zu,%zu)",
          name_of<T>(), m, K, N);

  std::vector<S> turned(K * N);
  for (size_t k = 0; k < K; ++k)
    for (size_t n = 0; n < N; ++n) turned[k * N + n] = b.w[n * K + k];
  Guarded memory(packed_size<T>(K, N) * sizeof(T));
  T* packed = memory.template as<T>();
  std::memset(packed, 0xff, packed_size<T>(K, N) * sizeof(T));
  pack<T>(turned.data(), ptrdiff_t(N), true, K, N, packed);
  check(std::memcmp(packed, b.at, packed_size<T>(K, N) * sizeof(T)) == 0, "%s pack (%zu,%zu)",
        name_of<T>(), K, N);

  std::vector<S> zeros(N, S(0));
  std::vector<const S*> none(m, zeros.data());
  product<T>(m, a.data(), none.data(), out.rows.data(), packed, K, 0, N);
  product<T>(m, a.data(), nullptr, other.rows.data(), packed, K, 0, N);
  for (size_t r = 0; r < m; ++r)
    for (size_t n = 0; n < N; ++n)
      check(out.rows[r][n] == other.rows[r][n], "%s product without init (%zu,%zu,%zu)", name_of<T>(), m, K, N);
}

template <class T>
void test_outer(size_t K, size_t M, size_t N) {
  using S = Sum<T>;
  Scattered<T> a(K, M), b(K, N);
  Scattered<S> c(1, M * N), split(1, M * N), start(1, M * N);
  Guarded memory(round_up(scratch_size<T>(K, N), 64));
  void* scratch = memory.as<char>();
  std::memcpy(c.rows[0], start.rows[0], M * N * sizeof(S));
  std::memcpy(split.rows[0], start.rows[0], M * N * sizeof(S));
  accumulate_outer<T>(K, a.data(), 0, M, b.data(), N, c.rows[0], ptrdiff_t(N), scratch);
  for (size_t m = 0; m < M; ++m)
    for (size_t n = 0; n < N; ++n) {
      double want = double(start.rows[0][m * N + n]), size = std::fabs(want);
      for (size_t k = 0; k < K; ++k) {
        const double term = value(a.rows[k][m]) * value(b.rows[k][n]);
        want += term, size += std::fabs(term);
      }
      const double got = double(c.rows[0][m * N + n]);
      check(std::fabs(got - want) <= tolerance<T>(K) * size, "%s outer (%zu,%zu,%zu) at %zu,%zu: %g, not %g",
            name_of<T>(), K, M, N, m, n, got, want);
    }
  const size_t cuts[] = {0, M / 3, M / 3 + M / 5, M};
  const size_t parts[] = {0, K / 7 * 2, K / 7 * 2 + K / 3 / 2 * 2, K};
  for (size_t p = 0; p < 3; ++p)
    for (size_t i = 0; i < 3; ++i)
      accumulate_outer<T>(parts[p + 1] - parts[p], a.data() + parts[p], cuts[i], cuts[i + 1],
                          b.data() + parts[p], N, split.rows[0], ptrdiff_t(N), scratch);
  check(std::memcmp(c.rows[0], split.rows[0], M * N * sizeof(S)) == 0, "%s outer (%zu,%zu,%zu) depends on the split",
        name_of<T>(), K, M, N);
}

template <class T>
void test_products() {
  for (size_t m : {1, 2, 3, 4, 5, 6, 7, 10, 13, 24})
    for (size_t K : {1, 2, 3, 7, 64, 129})
      for (size_t N : {1, 3, 7, 8, 16, 31, 64, 65, 100, 136, 300, 517}) test_product<T>(m, K, N);
  for (size_t m : {1, 2, 3, 5, 9})
    for (size_t K : {1, 6, 33})
      for (size_t N : {5, 136, 515}) test_product_variants<T>(m, K, N);
  for (size_t K : {1, 2, 3, 17, 255, 256, 257, 600})
    for (size_t M : {1, 5, 6, 50, 131})
      for (size_t N : {1, 2, 7, 11, 12, 17, 64, 70, 135}) test_outer<T>(K, M, N);
  test_outer<T>(300, 61, 650);
  test_outer<T>(270, 530, 7);
}

}  // namespace

int main() {
  test_partial_access<float>();
  test_partial_access<double>();
  test_basics<float>();
  test_basics<double>();
  test_functions<float>();
  test_functions<double>();
  test_edges<float>();
  test_edges<double>();
  test_bf16();
  test_products<float>();
  test_products<double>();
  test_products<bf16>();
  return conclude();
}
