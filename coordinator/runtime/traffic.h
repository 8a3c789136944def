// How many bytes went which way, both channels, headers included, encryption not.
#pragma once

#include <atomic>
#include <cstdint>

#include "transport/transport.h"

namespace muster::coordinator {

/// Counts since the process began. Thread-safe.
class Traffic {
 public:
  void CountReceived(const Frame& frame) { received_ += SizeOf(frame); }
  void CountSent(std::uint64_t bytes) { sent_ += bytes; }
  static std::uint64_t SizeOf(const Frame& frame) {
    return frame.head.size() + frame.payload.bytes.size();
  }

  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

 private:
  std::atomic<std::uint64_t> received_ = 0;
  std::atomic<std::uint64_t> sent_ = 0;
};

}  // namespace muster::coordinator
