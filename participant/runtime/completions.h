// Where training and disk threads leave what the loop thread must see.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "model/parameter_set.h"
#include "participant/core/events.h"

namespace muster::participant {

struct Completion {
  std::size_t member = 0;  ///< Index into HostOptions::participants.
  Event event;
  std::shared_ptr<const ParameterSet> update;  ///< With FitDone.
  std::string warning;                         ///< For the log; empty if there is none.
  std::optional<Error> failure;                ///< Set: instead of the event, the member ends.
};

/// A queue with many writers and one reader. Thread-safe. Bound: a fit and a few saves a member.
class Completions {
 public:
  /// `wake` ends the loop's poll; called after each Push, from any thread.
  explicit Completions(std::function<void()> wake) : wake_(std::move(wake)) {}

  void Push(Completion completion) {
    {
      std::lock_guard lock(mutex_);
      items_.push_back(std::move(completion));
    }
    wake_();
  }
  /// All that waits, oldest first.
  std::vector<Completion> TakeAll() {
    std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Completion> items_;
};

}  // namespace muster::participant
