#include "simulator/world/fault.h"

#include <array>
#include <string_view>

namespace muster::simulator {
namespace {

constexpr std::array<std::string_view, kFaultKinds> kNames = {
    "duplicate",  "lose",       "cut",       "crash",   "stop",      "delay",       "echo",
    "corrupt",    "sever",      "partition", "clog",    "split",     "stranger",    "babble",
    "stale",      "replay",     "poison",    "usurp",   "flood",     "impostor",    "pause",
    "slow",       "clock",      "preempt",   "leave",   "disk_full", "disk_error",  "rot",
    "twin",       "enroll",     "revoke",    "new_key", "snatch",    "member_full", "member_error",
    "member_rot", "train_fail", "backlog"};

}  // namespace

std::string_view FaultName(FaultKind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

std::optional<FaultKind> FaultFromName(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<FaultKind>(i);
  }
  return std::nullopt;
}

}  // namespace muster::simulator
