// Messages as somebody would write them who means harm, or whose program is broken.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/random.h"
#include "protocol/messages.h"

namespace muster::simulator {

inline constexpr std::size_t kMessageKinds = std::variant_size_v<Message>;

/// What a forger has heard; forged fields lie around it.
struct Knowledge {
  std::vector<std::string> names;  ///< Of everybody that is enrolled; its own first.
  Incarnation incarnation;
  Fence fence;  ///< Of the newest welcome.
  std::optional<Welcome> welcome;
  std::optional<TaskOrder> task;
  std::uint64_t update_bytes = 0;
};

/// A number at or around a limit, or around `likely`, or any.
std::uint64_t ForgeNumber(KeyedStream& stream, std::uint64_t likely);
/// An id of this round or another, of its own slot or another's, now and then of any.
UpdateId ForgeId(KeyedStream& stream, const Knowledge& known);
/// Of this life (half of them), an older or newer one, the same number with another nonce, another
/// lineage, or none.
Fence ForgeFence(KeyedStream& stream, const Knowledge& known);
/// The alternative `kind` of Message, for either direction. REQUIRES: kind < kMessageKinds.
Message ForgeMessage(std::size_t kind, KeyedStream& stream, const Knowledge& known);

}  // namespace muster::simulator
