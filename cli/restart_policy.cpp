#include "cli/restart_policy.h"

#include "common/exit_codes.h"

namespace muster::cli {

std::string ChildExit::Text() const {
  return (signalled ? "signal " : "code ") + std::to_string(number);
}

RestartDecision RestartPolicy::OnExit(const ChildExit& exit) {
  if (!exit.signalled && IsHopeless(exit.number)) return {RestartVerdict::hopeless, 0};
  ++deaths_;
  if (deaths_ >= kDeathsMax) return {RestartVerdict::too_many, 0};
  ++restarts_;
  if (deaths_ == 1) return {RestartVerdict::again, 0};
  return {RestartVerdict::again, kBackOffMsMin << (deaths_ - 2)};
}

}  // namespace muster::cli
