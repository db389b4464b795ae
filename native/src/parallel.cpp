#include "parallel.h"

#include <pthread.h>
#include <sched.h>

#include <condition_variable>
#include <mutex>
#include <thread>
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

// Never destroyed: its threads live as long as the process. A forked child has none of
// them, so it begins with a new pool.
std::atomic<Pool*> the_pool{nullptr};

Pool& pool() {
  static const int forks = pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool; });
  (void)forks;
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

}  // namespace

Team::Team(int wanted) : size_(pool().begin(wanted) ? wanted : 1) {}

Team::~Team() {
  if (size_ > 1) pool().end();
}

void Team::run(void (*body)(void*, int), void* context) {
  if (size_ == 1) return body(context, 0);
  pool().run(size_, body, context);
}

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
