#include "common/thread_pool.h"

#include <algorithm>

#include "common/error.h"
#include "common/limits.h"

namespace muster {

struct ThreadPool::Loop {
  std::size_t count = 0;
  const std::function<void(std::size_t)>* body = nullptr;
  std::size_t begun = 0;
  std::size_t ended = 0;
  std::condition_variable all_ended;
};

ThreadPool::ThreadPool(std::size_t thread_count) {
  MUSTER_CHECK(thread_count >= 1 && thread_count <= limits::kFoldThreadsMax, "thread count");
  threads_.reserve(thread_count - 1);
  for (std::size_t i = 1; i < thread_count; ++i) threads_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    MUSTER_CHECK(loops_.empty(), "a thread pool ends while a loop runs on it");
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body) {
  if (count == 0) return;
  const auto loop = std::make_shared<Loop>();
  loop->count = count;
  loop->body = &body;

  std::unique_lock lock(mutex_);
  loops_.push_back(loop);
  if (count > 1) work_.notify_all();
  while (RunTurn(*loop, lock)) {
  }
  loop->all_ended.wait(lock, [&] { return loop->ended == loop->count; });
}

bool ThreadPool::RunTurn(Loop& loop, std::unique_lock<std::mutex>& lock) {
  if (loop.begun == loop.count) return false;
  const std::size_t turn = loop.begun++;
  if (loop.begun == loop.count) {
    loops_.erase(std::find_if(loops_.begin(), loops_.end(),
                              [&](const auto& other) { return other.get() == &loop; }));
  }
  lock.unlock();
  (*loop.body)(turn);
  lock.lock();
  if (++loop.ended == loop.count) loop.all_ended.notify_all();
  return true;
}

void ThreadPool::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stopping_ || !loops_.empty(); });
    if (loops_.empty()) return;
    const std::shared_ptr<Loop> loop = loops_.front();
    RunTurn(*loop, lock);
  }
}

}  // namespace muster
