// Work handed to one thread: a queue that can be closed.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace muster::coordinator {

/// First in, first out. Thread-safe. Its bound is its user's: what the core has under way.
template <typename T>
class WorkQueue {
 public:
  /// Nothing happens if the queue is closed.
  void Push(T item) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      items_.push_back(std::move(item));
    }
    arrived_.notify_one();
  }

  /// Waits for the next item; nothing once the queue is closed and empty.
  std::optional<T> Pop() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  /// The next item if it is there and `wanted` says so. Does not wait.
  template <typename Wanted>
  std::optional<T> PopIf(Wanted wanted) {
    std::lock_guard lock(mutex_);
    if (items_.empty() || !wanted(items_.front())) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  /// Nothing more will come. What waits is still handed out.
  void Close() { CloseWith(false); }
  /// Nothing more will come, and what waits is forgotten.
  void Abandon() { CloseWith(true); }

 private:
  void CloseWith(bool forget) {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
      if (forget) items_.clear();
    }
    arrived_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace muster::coordinator
