// Speed of the kernels on one core. For each instruction set:
//
//   F="-std=c++20 -O3 -ffp-contract=fast -fno-math-errno -Inative/src native/bench/kernels_bench.cpp"
//   g++ $F -DLONGSHORT_ISA=avx512     -march=x86-64-v4                -o bench_avx512
//   g++ $F -DLONGSHORT_ISA=avx512bf16 -march=x86-64-v4 -mavx512bf16   -o bench_avx512bf16
//   g++ $F -DLONGSHORT_ISA=avx2       -march=x86-64-v3                -o bench_avx2
//   g++ $F -DLONGSHORT_ISA=generic                                    -o bench_generic
//   taskset -c 1 ./bench_avx512
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "gemm.h"
#include "outer.h"
#include "vmath.h"

using namespace longshort::LONGSHORT_ISA;

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Seconds of one call: the median of several repeats of at least four milliseconds.
template <class F>
double seconds(F call) {
  call();
  size_t calls = 1;
  for (;;) {
    const double start = now();
    for (size_t i = 0; i < calls; ++i) call();
    if (now() - start > 4e-3) break;
    calls *= 2;
  }
  std::vector<double> times;
  for (int repeat = 0; repeat < 15; ++repeat) {
    const double start = now();
    for (size_t i = 0; i < calls; ++i) call();
    times.push_back((now() - start) / double(calls));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void convert(float x, float& out) { out = x; }
void convert(double x, double& out) { out = x; }
void convert(float x, bf16& out) { out = narrow(x); }

template <class T>
T* memory(size_t n) {
  const size_t bytes = (n * sizeof(T) + 127) / 64 * 64;
  T* p = static_cast<T*>(std::aligned_alloc(64, bytes));
  for (size_t i = 0; i < n; ++i) convert(Sum<T>(0.001 * double(i % 1000) - 0.5), p[i]);
  return p;
}

// Hides from the compiler what is in the register.
template <class S>
LONGSHORT_INLINE void keep(Vec<S>& x) {
#if defined(__x86_64__)
  asm volatile("" : "+x"(x.raw));
#else
  asm volatile("" : "+w"(x.raw));
#endif
}

template <class S>
void fma_rounds(size_t rounds) {
  constexpr size_t chains = 12;
  Vec<S> a = broadcast(S(0.5)), b = broadcast(S(0.25));
  keep(a), keep(b);
  Vec<S> sum[chains];
  LONGSHORT_UNROLL
  for (size_t c = 0; c < chains; ++c) sum[c] = a;
  for (size_t i = 0; i < rounds; ++i) {
    LONGSHORT_UNROLL
    for (size_t c = 0; c < chains; ++c) {
      sum[c] = fma(sum[c], a, b);
      keep(sum[c]);
    }
  }
}

template <class S>
double peak() {
  constexpr size_t rounds = 4000;
  return 2.0 * 12 * rounds * lanes<S> / seconds([] { fma_rounds<S>(rounds); }) * 1e-9;
}

template <class T>
void bench_product(size_t m, size_t K, size_t N, double top) {
  T* a = memory<T>(m * K);
  Sum<T>* w = memory<Sum<T>>(K * N);
  Sum<T>* bias = memory<Sum<T>>(N);
  Sum<T>* out = memory<Sum<T>>(m * N);
  T* packed = memory<T>(packed_size<T>(K, N));
  std::vector<const T*> a_rows;
  std::vector<const Sum<T>*> init_rows;
  std::vector<Sum<T>*> out_rows;
  for (size_t r = 0; r < m; ++r) {
    a_rows.push_back(a + r * K);
    init_rows.push_back(bias);
    out_rows.push_back(out + r * N);
  }
  const double packing = seconds([&] { pack<T>(w, ptrdiff_t(K), false, K, N, packed); });
  const double time = seconds(
      [&] { product<T>(m, a_rows.data(), init_rows.data(), out_rows.data(), packed, K, 0, N); });
  const double rate = 2.0 * double(m * K * N) / time * 1e-9;
  std::printf("  product (%3zu,%4zu,%4zu)  %7.1f GFLOP/s %5.1f %%   packing %5.2f ns/element\n", m, K,
              N, rate, 100 * rate / top, packing / double(K * N) * 1e9);
  std::free(a), std::free(w), std::free(bias), std::free(out), std::free(packed);
}

template <class T>
void bench_outer(size_t K, size_t M, size_t N, double top) {
  T* a = memory<T>(K * M);
  T* b = memory<T>(K * N);
  Sum<T>* c = memory<Sum<T>>(M * N);
  char* scratch = reinterpret_cast<char*>(memory<double>(scratch_size<T>(K, N) / 8 + 8));
  std::vector<const T*> a_rows, b_rows;
  for (size_t k = 0; k < K; ++k) {
    a_rows.push_back(a + k * M);
    b_rows.push_back(b + k * N);
  }
  const double time = seconds([&] {
    accumulate_outer<T>(K, a_rows.data(), 0, M, b_rows.data(), N, c, ptrdiff_t(N), scratch);
  });
  const double rate = 2.0 * double(M * K * N) / time * 1e-9;
  std::printf("  outer   (%3zu,%4zu,%4zu)  %7.1f GFLOP/s %5.1f %%\n", K, M, N, rate, 100 * rate / top);
  std::free(a), std::free(b), std::free(c), std::free(scratch);
}

template <class T>
void bench_products(const char* name, double top) {
  std::printf("%s\n", name);
  constexpr size_t shapes[][3] = {{24, 128, 512}, {64, 128, 512},  {64, 256, 1024}, {10, 650, 2600},
                                  {1, 128, 512},  {2, 128, 512}, {32, 64, 256},   {16, 512, 2048}};
  for (const auto& s : shapes) bench_product<T>(s[0], s[1], s[2], top);
  constexpr size_t outers[][3] = {
      {512, 512, 128}, {256, 1024, 256}, {512, 256, 64}, {512, 512, 7}, {700, 2600, 650}};
  for (const auto& s : outers) bench_outer<T>(s[0], s[1], s[2], top);
}

template <class T, class F>
void bench_function(const char* name, F f) {
  constexpr size_t n = 4096 / sizeof(T);
  T* x = memory<T>(n);
  T* y = memory<T>(n);
  const double time = seconds([&] {
    for (size_t i = 0; i < n; i += lanes<T>) store(y + i, f(load(x + i)));
    asm volatile("" : : "r"(y) : "memory");
  });
  std::printf("  %-9s %6.3f ns/element\n", name, time / double(n) * 1e9);
  std::free(x), std::free(y);
}

template <class T>
void bench_functions(const char* name) {
  std::printf("%s\n", name);
  bench_function<T>("exp", [](Vec<T> x) { return exp(x); });
  bench_function<T>("log", [](Vec<T> x) { return log(x); });
  bench_function<T>("log1p", [](Vec<T> x) { return log1p(x); });
  bench_function<T>("tanh", [](Vec<T> x) { return tanh(x); });
  bench_function<T>("sigmoid", [](Vec<T> x) { return sigmoid(x); });
  bench_function<T>("softplus", [](Vec<T> x) { return softplus(x); });
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

}  // namespace

int main() {
  const double floats = peak<float>(), doubles = peak<double>();
  std::printf("%s: peak %.1f GFLOP/s float, %.1f double\n", TEXT(LONGSHORT_ISA), floats, doubles);
  bench_products<float>("float", floats);
  bench_products<double>("double", doubles);
  bench_products<bf16>("bf16 (of the float peak)", floats);
  bench_functions<float>("float");
  bench_functions<double>("double");
}
