// A store that is in use for a moment yet: the children of a killed supervisor are killed with it,
// but they need a moment to be gone.
#pragma once

#include <chrono>
#include <thread>

#include "common/error.h"

namespace muster::cli {

inline constexpr std::chrono::milliseconds kStoreWait{3'000};
inline constexpr std::chrono::milliseconds kStoreRetry{20};

/// Calls `attempt`, which returns a Result, until it says anything but state_in_use, for kStoreWait
/// at most. Returns what it said last.
template <typename Attempt>
auto AwaitStore(const Attempt& attempt) {
  const auto give_up = std::chrono::steady_clock::now() + kStoreWait;
  while (true) {
    auto result = attempt();
    const bool in_use = !result && result.error().reason == Reason::state_in_use;
    if (!in_use || std::chrono::steady_clock::now() > give_up) return result;
    std::this_thread::sleep_for(kStoreRetry);
  }
}

}  // namespace muster::cli
