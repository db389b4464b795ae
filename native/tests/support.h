// What tests of the kernels share: checks, memory that ends at a page that must not be touched, random
// numbers. Included by one source of each test.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "gemm.h"

using namespace longshort::LONGSHORT_ISA;

namespace {

long checks = 0, failures = 0;

template <class... Args>
void check(bool good, const char* format, Args... args) {
  ++checks;
  if (good) return;
  if (++failures > 40) return;
  std::printf("FAILED ");
  if constexpr (sizeof...(args) == 0)
    std::fputs(format, stdout);
  else
    std::printf(format, args...);
  std::printf("\n");
}

template <class T>
const char* name_of() {
  return sizeof(T) == 2 ? "bf16" : sizeof(T) == 4 ? "float" : "double";
}

// Memory that ends right before a page that must not be touched.
class Guarded {
 public:
  explicit Guarded(size_t bytes) : page_(size_t(sysconf(_SC_PAGESIZE))), bytes_(bytes) {
    length_ = (bytes + page_ - 1) / page_ * page_ + page_;
    base_ = static_cast<char*>(
        mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + length_ - page_, page_, PROT_NONE);
  }
  ~Guarded() { munmap(base_, length_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(base_ + length_ - page_ - bytes_);
  }

 private:
  size_t page_, bytes_, length_ = 0;
  char* base_ = nullptr;
};

std::mt19937 random_bits(7);

template <class S>
S random_value() {
  return std::uniform_real_distribution<S>(-1, 1)(random_bits);
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}


void convert(float x, float& out) { out = x; }
void convert(double x, double& out) { out = x; }
[[maybe_unused]] void convert(float x, bf16& out) { out = narrow(x); }

template <class T>
void fill(T* x, size_t n) {
  for (size_t i = 0; i < n; ++i) convert(random_value<Sum<T>>(), x[i]);
}

// Each row in memory of its own, up to the very end of it.
template <class T>
struct Scattered {
  Scattered(size_t count, size_t length) : length(length) {
    for (size_t i = 0; i < count; ++i) {
      memory.push_back(new Guarded(length * sizeof(T)));
      rows.push_back(memory.back()->template as<T>());
      fill(rows.back(), length);
    }
  }
  ~Scattered() {
    for (Guarded* m : memory) delete m;
  }
  Scattered(const Scattered&) = delete;
  Scattered& operator=(const Scattered&) = delete;
  const T* const* data() const { return const_cast<const T* const*>(rows.data()); }

  size_t length;
  std::vector<Guarded*> memory;
  std::vector<T*> rows;
};

template <class T>
double tolerance(size_t K) {
  return (sizeof(Sum<T>) == 4 ? 6e-8 : 1.2e-16) * (2 + 2 * double(K));
}

template <class T>
struct Packed {
  Packed(size_t K, size_t N) : w(K * N), memory(packed_size<T>(K, N) * sizeof(T)) {
    fill(w.data(), w.size());
    at = memory.template as<T>();
    pack<T>(w.data(), ptrdiff_t(K), false, K, N, at);
  }
  std::vector<Sum<T>> w;
  Guarded memory;
  T* at;
};

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

// Prints the sum of all checks; what main returns.
int conclude() {
  std::printf("%s: %ld checks, %ld failed\n", TEXT(LONGSHORT_ISA), checks, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
