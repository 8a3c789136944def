// Accept in memory (`round.accept = "memory"`): an update counts as received once it is whole and
// checked in this process's memory. Nothing of it becomes durable before the version does, so a
// restart forgets every accept of the open round, and its senders, who keep their updates until
// `committed`, are asked for them again. Its room is free as soon as it is in the sum; so where the
// bounds are raised, all are asked for again, too.
#include <algorithm>

#include "coordinator/core/impl.h"

namespace muster::coordinator {

std::uint32_t MemoryExtentCount(const JobSpec& job, std::uint64_t bytes,
                                std::uint64_t update_bytes) {
  const std::uint64_t fitting = bytes / std::max<std::uint64_t>(update_bytes, 1);
  const std::uint64_t useful = std::uint64_t{job.round.goal} + 1;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(fitting, 2, useful));
}

// Whoever became whole first is accepted first, and never more than the goal.
void CoordinatorCore::Impl::AcceptInMemory() {
  const auto whole = [](const Upload& upload) {
    return upload.state == Upload::State::awaiting_batch;
  };
  for (const Upload* ready : InOrderOfFinish(Goal() - round_->accepted.size(), whole)) {
    const AcceptedUpdate update = AcceptedOf(*ready);
    in_sum_soon_.emplace(update.id, update.extent.index);
    Emit(Fold{update.id, update.digest, update.extent, update.weight});
    AcceptUpdate(update);
  }
  PumpGrants();
  CheckClose();
  if (draining_) CheckDrained();
}

// Folds are answered in the order they were asked for, those into a sum that is gone included.
void CoordinatorCore::Impl::FreeFolded(const UpdateId& id) {
  const auto found = in_sum_soon_.find(id);
  if (found == in_sum_soon_.end()) return;
  free_extents_.insert(found->second);
  in_sum_soon_.erase(found);
  PumpGrants();
}

// Without updates on the disk nothing but its chunks makes a version durable: they come first.
void CoordinatorCore::Impl::StoreBuilt() {
  MUSTER_CHECK(!unstored_, "two versions wait to be stored");
  const OpenRound& round = round_->record;
  unstored_ =
      UnstoredVersion{round_->built->manifest.version, round.round, round.parent, {}, std::nullopt};
  Emit(StoreVersion{unstored_->version});
}

}  // namespace muster::coordinator
