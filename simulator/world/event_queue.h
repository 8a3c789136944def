// What is to come, in the order of its time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "simulator/world/trace.h"

namespace muster::simulator {

/// Equal times keep the order of the calls. A heap of small keys beside the actions, whose places
/// are used again: nothing is allocated for an event but what its action itself needs. Not
/// thread-safe.
class EventQueue {
 public:
  struct Event {
    Actor actor = kCoordinator;
    std::function<void()> action;
  };

  bool empty() const { return heap_.empty(); }
  /// REQUIRES: not empty.
  Micros next_at() const { return heap_.front().when; }

  void Push(Micros when, Actor actor, std::function<void()> action) {
    std::uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(events_.size());
      events_.push_back({actor, std::move(action)});
    } else {
      place = free_.back();
      free_.pop_back();
      events_[place] = {actor, std::move(action)};
    }
    heap_.push_back({when, ++pushed_, place});
    std::ranges::push_heap(heap_, Later());
  }

  /// REQUIRES: not empty.
  Event Pop() {
    std::ranges::pop_heap(heap_, Later());
    const std::uint32_t place = heap_.back().place;
    heap_.pop_back();
    free_.push_back(place);
    return std::exchange(events_[place], {});
  }

 private:
  struct Key {
    Micros when = 0;
    std::uint64_t order = 0;
    std::uint32_t place = 0;
  };
  struct Later {
    bool operator()(const Key& left, const Key& right) const {
      return left.when != right.when ? left.when > right.when : left.order > right.order;
    }
  };

  std::uint64_t pushed_ = 0;
  std::vector<Key> heap_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_;
};

}  // namespace muster::simulator
