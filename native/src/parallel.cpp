#include "parallel.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace longshort {
namespace {

constexpr int spins_before_sleep = 20'000;
constexpr int spins_before_yield = 4'000;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// One worker: its job, and how it is woken.
struct Worker {
  std::atomic<unsigned> posted{0};
  unsigned taken = 0;
  std::mutex mutex;
  std::condition_variable wake;
};

class Pool {
 public:
  bool begin(int threads) {
    if (threads <= 1 || !busy_.try_lock()) return false;
    grow(threads - 1);
    return true;
  }

  void wait(int threads) {
    busy_.lock();
    grow(threads - 1);
  }

  void end() { busy_.unlock(); }

  void run(int threads, void (*body)(void*, int), void* context) {
    body_ = body;
    context_ = context;
    running_.store(threads - 1, std::memory_order_relaxed);
    for (int i = 0; i < threads - 1; ++i) post(*workers_[i]);
    body(context, 0);
    for (int spins = 0; running_.load(std::memory_order_acquire) > 0; ++spins)
      spins < spins_before_yield ? pause() : void(sched_yield());
  }

 private:
  void grow(int count) {
    while (int(workers_.size()) < count) {
      auto* worker = new Worker;
      const int number = int(workers_.size()) + 1;
      workers_.push_back(worker);
      std::thread([this, worker, number] { serve(*worker, number); }).detach();
    }
  }

  static void post(Worker& worker) {
    {
      std::lock_guard lock(worker.mutex);
      worker.posted.fetch_add(1, std::memory_order_release);
    }
    worker.wake.notify_one();
  }

  void serve(Worker& worker, int number) {
    for (;;) {
      await(worker);
      body_(context_, number);
      running_.fetch_sub(1, std::memory_order_release);
    }
  }

  static void await(Worker& worker) {
    for (int spins = 0; spins < spins_before_sleep; ++spins) {
      if (worker.posted.load(std::memory_order_acquire) != worker.taken) break;
      pause();
    }
    if (worker.posted.load(std::memory_order_acquire) == worker.taken) {
      std::unique_lock lock(worker.mutex);
      worker.wake.wait(lock, [&] {
        return worker.posted.load(std::memory_order_acquire) != worker.taken;
      });
    }
    ++worker.taken;
  }

  std::mutex busy_;
  std::vector<Worker*> workers_;
  void (*body_)(void*, int) = nullptr;
  void* context_ = nullptr;
  std::atomic<int> running_{0};
};

// The entry points that compilers call, which GNU's and LLVM's runtimes both have.
struct OpenMp {
  void (*parallel)(void (*)(void*), void*, unsigned threads, unsigned flags) = nullptr;
  int (*thread)() = nullptr;
  int (*threads)() = nullptr;
  int (*in_parallel)() = nullptr;
};

OpenMp openmp;

// Never destroyed: its threads live as long as the process.
std::atomic<Pool*> the_pool{nullptr};

// A forked child has none of its parent's threads, neither the pool's nor, whatever it
// believes, OpenMP's: it begins with a pool of its own.
void begin_anew() {
  the_pool = new Pool;
  openmp = {};
}

void watch_forks() {
  static const int watching = pthread_atfork(nullptr, nullptr, begin_anew);
  (void)watching;
}

Pool& pool() {
  watch_forks();
  Pool* found = the_pool.load();
  if (!found) {
    auto* fresh = new Pool;
    if (the_pool.compare_exchange_strong(found, fresh))
      found = fresh;
    else
      delete fresh;
  }
  return *found;
}

struct Task {
  void (*body)(void*, int);
  void* context;
  int threads;
  std::atomic<bool> done{true};
};

// False, with nothing done, if OpenMP gives fewer threads than it is asked for.
bool run_in_openmp(Task& task) {
  openmp.parallel(
      [](void* at) {
        Task& task = *static_cast<Task*>(at);
        if (openmp.threads() != task.threads)
          task.done = false;
        else
          task.body(task.context, openmp.thread());
      },
      &task, unsigned(task.threads), 0);
  return task.done;
}

}  // namespace

bool share_openmp(const char* path) {
  void* library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (!library) return false;
  OpenMp found;
  const auto find = [library](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    return function != nullptr;
  };
  if (!find("GOMP_parallel", found.parallel) || !find("omp_get_thread_num", found.thread) ||
      !find("omp_get_num_threads", found.threads) || !find("omp_in_parallel", found.in_parallel))
    return false;
  watch_forks();
  openmp = found;
  return true;
}

Team::Team(int wanted) : size_(1) {
  if (wanted <= 1) return;
  pooled_ = !openmp.parallel;
  const bool free = pooled_ ? pool().begin(wanted) : !openmp.in_parallel();
  if (free)
    size_ = wanted;
  else
    pooled_ = false;
}

int Team::size() const { return size_; }

Team::~Team() {
  if (pooled_) pool().end();
}

void Team::run(void (*body)(void*, int), void* context) {
  if (size_ == 1) return body(context, 0);
  if (!pooled_) {
    Task task{body, context, size_};
    if (run_in_openmp(task)) return;
    pool().wait(size_);
    pooled_ = true;
  }
  pool().run(size_, body, context);
}

Barrier::Barrier() = default;

void Barrier::wait(Turn& turn, int threads) {
  if (threads == 1) return;
  ++turn.passed;
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    opened_.store(turn.passed, std::memory_order_release);
    return;
  }
  for (int spins = 0; opened_.load(std::memory_order_acquire) != turn.passed; ++spins)
    spins < spins_before_yield ? pause() : void(sched_yield());
}

}  // namespace longshort
