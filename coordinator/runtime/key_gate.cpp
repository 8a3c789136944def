#include "coordinator/runtime/key_gate.h"

#include <utility>

namespace muster::coordinator {

void RosterGate::SetRoster(const std::vector<RosterEntry>& roster) {
  std::map<PublicKey, Holder> holders;
  for (const RosterEntry& entry : roster) {
    Holder& holder = holders.try_emplace(entry.key, Holder{entry.name, true}).first->second;
    // One key under two names: it may connect as long as one of them is not revoked.
    if (!entry.revoked) holder = {entry.name, false};
  }
  std::lock_guard lock(mutex_);
  holders_ = std::move(holders);
}

void RosterGate::Observe(std::function<void(const PublicKey&, Reason)> on_refused) {
  std::lock_guard lock(mutex_);
  on_refused_ = std::move(on_refused);
}

void RosterGate::ObserveFailures(
    std::function<void(Reason, std::uint64_t, const std::string&)> on_failed) {
  std::lock_guard lock(mutex_);
  on_failed_ = std::move(on_failed);
}

void RosterGate::RefusalHandled() {
  std::lock_guard lock(mutex_);
  if (pending_ > 0) --pending_;
}

std::map<Reason, std::uint64_t> RosterGate::uncounted() const {
  std::lock_guard lock(mutex_);
  return uncounted_;
}

Status RosterGate::Check(const PublicKey& key) {
  std::lock_guard lock(mutex_);
  const auto found = holders_.find(key);
  if (found == holders_.end()) {
    return Error{Reason::unknown_key, "key " + key.Z85() + " is not enrolled; `muster enroll add`"};
  }
  if (found->second.revoked) {
    return Error{Reason::revoked, "the enrolment of " + found->second.name + " was revoked"};
  }
  return {};
}

void RosterGate::OnRefused(const PublicKey& key, Reason reason) {
  std::lock_guard lock(mutex_);
  // A stranger can knock without end: what it costs us in memory must end.
  if (!on_refused_ || pending_ >= kPendingRefusalsMax) {
    ++uncounted_[reason];
    return;
  }
  ++pending_;
  on_refused_(key, reason);
}

void RosterGate::OnConnectionsFailed(Reason reason, std::uint64_t count, const std::string& text) {
  std::lock_guard lock(mutex_);
  uncounted_[reason] += count;
  if (on_failed_) on_failed_(reason, count, text);
}

}  // namespace muster::coordinator
