#include "aggregation/ordered_chunks.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace muster {
namespace {

class Delivery {
 public:
  Delivery(std::size_t slot_count, const std::function<Status(ByteSpan)>& deliver)
      : slots_(slot_count), deliver_(deliver) {}

  void Turn(std::size_t index, const std::function<Status(std::size_t, Bytes&)>& compute) {
    std::unique_lock lock(mutex_);
    // A slot is freed by a lower turn, and lower turns have begun: this wait ends.
    room_.wait(lock, [&] { return error_.has_value() || index < next_ + slots_.size(); });
    if (error_.has_value()) return;
    Slot& slot = slots_[index % slots_.size()];
    lock.unlock();
    slot.result = compute(index, slot.chunk);
    lock.lock();
    slot.ready = true;
    if (!delivering_) DeliverReady(lock);
  }

  Status Finish() {
    if (error_.has_value()) return *error_;
    return {};
  }

 private:
  struct Slot {
    Bytes chunk;
    Status result;
    bool ready = false;
  };

  void DeliverReady(std::unique_lock<std::mutex>& lock) {
    delivering_ = true;
    for (;;) {
      Slot& slot = slots_[next_ % slots_.size()];
      if (error_.has_value() || !slot.ready) break;
      if (slot.result.has_value()) {
        lock.unlock();
        slot.result = deliver_(slot.chunk);
        lock.lock();
      }
      if (!slot.result.has_value()) error_ = slot.result.error();
      slot.ready = false;
      ++next_;
      room_.notify_all();
    }
    delivering_ = false;
  }

  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Slot> slots_;  ///< Chunk i in slot i modulo their number.
  std::size_t next_ = 0;     ///< The next chunk to deliver.
  bool delivering_ = false;
  std::optional<Error> error_;
  const std::function<Status(ByteSpan)>& deliver_;
};

}  // namespace

Status DeliverInOrder(ThreadPool& pool, std::size_t count,
                      const std::function<Status(std::size_t, Bytes&)>& compute,
                      const std::function<Status(ByteSpan)>& deliver) {
  Delivery delivery(2 * pool.thread_count(), deliver);
  pool.ParallelFor(count, [&](std::size_t index) { delivery.Turn(index, compute); });
  return delivery.Finish();
}

}  // namespace muster
