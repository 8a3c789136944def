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
  // Of one message again, see simulator/federation/network.h.
  delay,    ///< It is held up, and what follows in its lane; all others overtake it.
  echo,     ///< It comes a second time much later, perhaps to a later life of the coordinator.
  corrupt,  ///< Bits of it flip before it is sealed.
  sever,    ///< One direction of one channel of its link carries nothing any more.
  // Weather: asked every kWeatherEvery of each participant, ends by itself.
  partition,  ///< Nothing passes to or from a participant, or one way only.
  clog,       ///< Everything to and from it is slower by a factor.
  split,      ///< As partition, of a group; asked of the coordinator.
  // Of a hostile peer at each of its turns, see simulator/federation/hostile_node.h.
  stranger,  ///< A key that is not enrolled knocks, or speaks on a link.
  babble,    ///< A message drawn from all there are, with drawn fields.
  stale,     ///< A sound message under another life's fence, id or incarnation.
  replay,    ///< Something that it said or heard before, word by word.
  poison,    ///< An update that breaks a rule, by offer, bytes or flow.
  usurp,     ///< A hello for another name, or of a second process of its own.
  flood,     ///< Many of one message at once.
  // Of one attempt to connect.
  impostor,  ///< A false coordinator answers.
  // Of one process or its machine, asked every kMisfortuneEvery, see
  // simulator/federation/misfortunes.h. What lasts ends by itself.
  pause,       ///< The process stands still (SIGSTOP).
  slow,        ///< Its work takes longer by a factor.
  clock,       ///< Its monotonic clock jumps forward, or runs at another rate.
  preempt,     ///< A participant's machine is taken, with or without notice and disk.
  leave,       ///< A participant goes, and comes back rounds later.
  disk_full,   ///< The coordinator's volume has no room.
  disk_error,  ///< Its next write or sync of some kind fails.
  rot,         ///< A bit that lies on it flips.
  twin,        ///< A second coordinator runs on a copy of the state.
  // Of the operator, likewise.
  enroll,   ///< A new participant, asked of the coordinator.
  revoke,   ///< A participant is thrown out, perhaps for a while.
  new_key,  ///< A participant gets another key.
  // Of a participant's process, whenever the last chunk of an update has left it.
  snatch,  ///< Its machine is taken with its disk, and a successor is there at once.
  // Of a participant's state directory (simulator/federation/member_disk.h), its training and its
  // sockets.
  member_full,   ///< Its volume has no room, for a while.
  member_error,  ///< A write, a sync or a removal fails.
  member_rot,    ///< A bit of one of its files flips.
  train_fail,    ///< The trainer cannot be made, or a fit ends with an error.
  backlog,       ///< Its bulk socket takes nothing for a while.
};
inline constexpr std::size_t kFaultKinds = 38;

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
