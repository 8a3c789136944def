// What can go wrong in the simulated world, by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/ids.h"

namespace muster::simulator {

/// Whom something happens to, or who does it: 0 is the coordinator, participant i is i + 1. Above
/// them, up to kActorsMax: strangers and second processes.
using Actor = std::uint32_t;
inline constexpr Actor kCoordinator = 0;
inline constexpr Actor kActorsMax = 128;
inline constexpr Actor ActorOf(RosterIndex participant) { return participant + 1; }

/// Each is asked for at every occasion that it has, see Schedule::Ask. Their names stand in
/// schedule files: append only.
enum class FaultKind : std::uint8_t {
  // Of one message on a participant's link, in either direction.
  duplicate,  ///< It comes a second time, later.
  lose,       ///< It is lost, and nobody is told.
  cut,        ///< The link breaks with all that is under way on it.
  // Of one process, before an effect of its core is performed or after an event.
  crash,  ///< It dies; the coordinator's machine may lose its power with it.
  stop,   ///< It is asked to stop (SIGTERM).
};
inline constexpr std::size_t kFaultKinds = 5;

std::string_view FaultName(FaultKind kind);
std::optional<FaultKind> FaultFromName(std::string_view name);

/// One fault that happened: at the `ordinal`th occasion (from 0) that `kind` had at `actor`.
struct Fault {
  FaultKind kind = FaultKind::lose;
  Actor actor = kCoordinator;
  std::uint64_t ordinal = 0;
  std::uint64_t value = 0;  ///< What else was drawn for it: how long, which way, how much.
  auto operator<=>(const Fault&) const = default;
};

}  // namespace muster::simulator
