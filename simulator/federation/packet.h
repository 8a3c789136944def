// One message under way, as its receiver's runtime would hand it to a core.
#pragma once

#include <memory>
#include <optional>

#include "common/bytes.h"
#include "common/error.h"
#include "protocol/messages.h"

namespace muster::simulator {

struct Packet {
  Fence fence;
  Message message;
  std::shared_ptr<const Bytes> payload;
  PublicKey identity;            ///< Authenticated: its sender's, if that is no coordinator.
  std::uint64_t connection = 0;  ///< Its sender's, numbered as transport/transport.h says.
  /// Set: its bytes cannot be read, and why; nothing of the message is known then.
  std::optional<Reason> unreadable;
  bool garbled = false;  ///< It can be read, and says something else than its sender meant.
};

}  // namespace muster::simulator
