// Which versions are removed, and when: decided once a newer one is stored or evaluated.
#include "checkpoint/retention.h"

#include "coordinator/core/impl.h"

namespace muster::coordinator {

// What anybody may still ask for stays: head, which is downloaded and which the open round builds
// on, what a head that is not stored follows from, and versions that wait for the evaluator.
void CoordinatorCore::Impl::DropOldVersions() {
  std::set<Version> pinned = evaluating_;
  pinned.insert(head_.version);
  if (unstored_) pinned.insert(unstored_->parent);
  for (const Version version : VersionsToDrop(held_, options_.retention, pinned)) {
    if (dropping_.insert(version).second) Emit(DropVersion{version});
  }
}

void CoordinatorCore::Impl::On(const VersionDropped& dropped) {
  if (dropping_.erase(dropped.version) == 0) return;
  if (dropped.gone) {
    held_.erase(dropped.version);
    Count("versions_dropped");
  } else {
    Count("disk_full");  // Tried again with the next version that is stored.
  }
  if (finishing_) CheckGoodbyes();
  if (draining_) CheckDrained();
}

}  // namespace muster::coordinator
