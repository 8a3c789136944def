// Where the other threads leave what the loop thread must see.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "common/error.h"
#include "coordinator/core/events.h"
#include "coordinator/runtime/mirror_status.h"

namespace muster::coordinator {

/// The operator asks for what only the loop thread can tell.
struct AskStatus {
  AdminTicket ticket = 0;
};
struct AskRoster {
  AdminTicket ticket = 0;
};
/// A thread met what must end the process: a failed write or sync, damage at head.
struct ThreadFailed {
  Error error;
};

/// The mirror began to fail, fails otherwise, or goes on.
struct MirrorChanged {
  MirrorStatus status;
};

using InboxItem = std::variant<Event, AskStatus, AskRoster, ThreadFailed, MirrorChanged>;

/// A queue with many writers and one reader, in order of arrival. Thread-safe.
///
/// Bound: completions are at most the effects under way, requests of the operator at most one a
/// client (AdminServer), news of the mirror one a second, refused handshakes at most
/// kPendingRefusalsMax (RosterGate), and the bulk thread receives nothing while kItemsMax or more
/// items wait.
class Inbox {
 public:
  static constexpr std::size_t kItemsMax = 4096;

  /// `wake` ends the loop's poll; called after each Push, from any thread.
  explicit Inbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void Push(InboxItem item) {
    {
      std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    wake_();
  }

  /// All that waits, oldest first.
  std::vector<InboxItem> TakeAll() {
    std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::vector<InboxItem> items_;
};

}  // namespace muster::coordinator
