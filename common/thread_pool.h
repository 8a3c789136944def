// A fixed set of threads that share the turns of a loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace muster {

/// Threads start with the pool and are joined by its destructor. Thread-safe: several threads may
/// call ParallelFor at once, and a body may call it again. Nothing queues beyond one entry a call.
class ThreadPool {
 public:
  /// `thread_count` counts the caller of ParallelFor: a pool of 1 starts no thread.
  /// REQUIRES: 1 <= thread_count <= limits::kFoldThreadsMax.
  explicit ThreadPool(std::size_t thread_count);
  /// REQUIRES: no ParallelFor is running.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t thread_count() const { return threads_.size() + 1; }

  /// Calls body(0) ... body(count - 1), each once, in the pool's threads and the caller's, and
  /// returns when all have returned; what they wrote is then visible to the caller. Turns are begun
  /// in ascending order. A body may wait for a lower turn, never for a higher one, and does not
  /// throw.
  void ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  struct Loop;

  void Work();
  /// Runs one turn of `loop`; false if all were begun. Called and returns with `lock` held.
  bool RunTurn(Loop& loop, std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::shared_ptr<Loop>> loops_;  ///< Those with turns not yet begun.
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace muster
