#include "cli/restart_policy.h"

#include "common/exit_codes.h"

namespace muster::cli {

std::string ChildExit::Text() const {
  return (signalled ? "signal " : "code ") + std::to_string(number);
}

std::string TextOfTooMany(const std::string& who, const std::string& how, const std::string& last) {
  const std::string text = who + " ended " + std::to_string(kDeathsMax) +
                           " times without a new version, at last with " + how;
  if (!last.empty()) return text + ": " + last;
  return text +
         "; it said nothing: somebody kills it, or the system does for want of memory "
         "(see dmesg)";
}

RestartDecision RestartPolicy::OnExit(const ChildExit& exit, bool volume_full) {
  if (volume_full && exit.IsCode(static_cast<int>(ExitCode::io_failed))) {
    return {RestartVerdict::no_room, kBackOffMsMax};
  }
  if (!exit.signalled && IsHopeless(exit.number)) return {RestartVerdict::hopeless, 0};
  ++deaths_;
  if (deaths_ >= kDeathsMax) return {RestartVerdict::too_many, 0};
  ++restarts_;
  if (deaths_ == 1) return {RestartVerdict::again, 0};
  std::int64_t delay_ms = kBackOffMsMin;
  for (std::uint32_t death = 3; death <= deaths_; ++death) delay_ms *= kBackOffGrowth;
  return {RestartVerdict::again, delay_ms};
}

}  // namespace muster::cli
