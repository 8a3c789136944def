// Frames of one connection that wait for room in its socket.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "transport/transport.h"

namespace muster::participant {

/// Keeps the order. Not thread-safe.
class Outbox {
 public:
  /// A window of chunks or requests and the small messages around it: more is a bug of the core's
  /// flow control or a peer that asks without end, and ends the link.
  static constexpr std::size_t kFramesMax = 256;

  explicit Outbox(Channel channel) : channel_(channel) {}

  /// False if it is full: the link is to be given up.
  bool Push(Frame frame) {
    if (frames_.size() == kFramesMax) return false;
    frames_.push_back(std::move(frame));
    return true;
  }
  /// Sends what there is room for; `gone` if the link is.
  SendResult Flush(ClientTransport& transport, LinkId link) {
    while (!frames_.empty()) {
      const SendResult result = transport.Send(link, channel_, frames_.front());
      if (result != SendResult::sent) return result;
      frames_.pop_front();
    }
    return SendResult::sent;
  }
  bool empty() const { return frames_.empty(); }
  void Clear() { frames_.clear(); }

 private:
  Channel channel_;
  std::deque<Frame> frames_;
};

}  // namespace muster::participant
