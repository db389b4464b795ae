// Threads that wait for work, and a barrier between them.
#pragma once

#include <atomic>
#include <cstddef>

namespace longshort {

// Take the threads from an OpenMP runtime that the process has loaded already, given by
// its path: two sets of threads, of which one spins while the other works, would take
// the processors from each other. False if it cannot be used.
bool share_openmp(const char* path);

// Some of the threads of the process, for as long as it lives: as many as wanted, or the
// caller alone while another team is at work. Safe after a fork.
class Team {
 public:
  explicit Team(int wanted);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const;

  // Calls body(context, thread) once in each thread; the caller is thread 0.
  void run(void (*body)(void* context, int thread), void* context);

 private:
  int size_;
  bool pooled_ = false;
};

// Lets no thread pass before all have arrived. Each thread keeps a `Turn` of its own.
class Barrier {
 public:
  struct Turn {
    unsigned passed = 0;
  };

  // Not inline: what it needs of the standard library may not be compiled per instruction set.
  Barrier();
  void wait(Turn& turn, int threads);

 private:
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<unsigned> opened_{0};
};

}  // namespace longshort
