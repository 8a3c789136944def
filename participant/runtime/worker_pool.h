// Threads that take jobs in the order given: the fits of all participants of a process, and their
// disk.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace muster::participant {

/// Submit is thread-safe. The destructor runs what is queued, then joins: who wants it soon has
/// told the jobs to stop. Bound: its user's; a participant has one fit and a few saves under way.
class WorkerPool {
 public:
  /// REQUIRES: thread_count >= 1.
  explicit WorkerPool(std::size_t thread_count);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Submit(std::function<void()> job);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> jobs_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace muster::participant
